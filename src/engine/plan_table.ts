import { formatBytes } from "../gpu/buffers.ts";
import type { ModelPlan, PlannedWeights } from "../model/memory_plan.ts";
import type { MemoryPlan, PlanAlternative } from "./plan.ts";

/** What stands in a line of a table: what it is, its bytes, and more of it. */
type Row = readonly [what: string, bytes: number | undefined, note?: string];

/** Columns of a terminal. */
const WIDTH = 80;

/**
 * Writes a plan as text, for a terminal of 80 columns.
 *
 * @example
 * ```ts
 * import { formatPlan, planModel } from "@seraph/seraph";
 *
 * const plan = await planModel("models/stories260k-f32.gguf");
 * console.log(formatPlan(plan));
 * ```
 *
 * @param plan The plan.
 * @returns Lines without one at the end.
 */
export function formatPlan(plan: MemoryPlan): string {
  const { models, totalBytes, peakBytes, device } = plan;
  const rows = models.flatMap((model, i) => [
    ...(i === 0 ? [] : [["draft:", undefined] as Row]),
    ...modelRows(model),
  ]);
  rows.push(
    ["once it is loaded", totalBytes],
    ["at most while it loads", peakBytes],
    ...laterRows(models[0]!),
  );
  const limits = `buffers of at most ${formatBytes(device.maxBufferSize)}, ` +
    `bindings of ${formatBytes(device.maxStorageBufferBindingSize)}`;
  return [
    titleOf(models[0]!),
    ...formatRows(rows),
    ...wrap(
      `${device.name ?? "no adapter found, so WebGPU's least"}: ${limits}`,
    ),
    ...wrap(memoryOf(plan)),
    ...wrap(verdictOf(plan)),
  ].join("\n");
}

/** The options that would make a model fit, as a sentence names them. */
export function formatAlternatives(
  alternatives: readonly PlanAlternative[],
): string {
  return alternatives.map(({ contextLength, kv, as, totalBytes }) => {
    const packed = as === undefined ? "" : ` as ${as}`;
    const size = formatBytes(totalBytes);
    return `a context of ${contextLength} with kv ${kv}${packed} (${size})`;
  }).join(" or ");
}

function titleOf(
  { label, contextLength, kv, batchSize }: ModelPlan,
): string {
  const how = `, context ${contextLength}, kv ${kv}, batch ${batchSize}`;
  const name = label.split(/[/\\]/).at(-1)!;
  const room = WIDTH - how.length;
  return (name.length > room ? `${name.slice(0, room - 1)}…` : name) + how;
}

function modelRows(model: ModelPlan): Row[] {
  const { weights, kvBytes, kvBytesPerPosition, scratchBytes, logitsBytes } =
    model;
  const { uploadBytes, queuedBytes } = model.staging;
  return [
    ...weights.map((sum): Row => [
      `weights ${sum.type}`,
      sum.bytes,
      weightsNote(sum),
    ]),
    ["KV cache", kvBytes, `${formatBytes(kvBytesPerPosition)} a position`],
    ["activations, tables", scratchBytes],
    ["logits, read-back", logitsBytes],
    [
      "staging",
      uploadBytes + queuedBytes,
      "while it loads, at most",
    ],
  ];
}

function weightsNote(
  { type, tensors, fileTypes, slices }: PlannedWeights,
): string {
  const others = fileTypes.filter((name) => name !== type);
  const from = others.length > 0 ? `, ${others.join(" and ")} in the file` : "";
  const cut = slices > 1 ? `, in up to ${slices} slices` : "";
  return `${tensors} ${tensors === 1 ? "tensor" : "tensors"}${from}${cut}`;
}

function laterRows({ onDemand }: ModelPlan): Row[] {
  const { logitsBytes, grammarBytes, conversationBytes } = onDemand;
  return [
    [
      "later: logits to the CPU",
      logitsBytes,
      "at the first that asks for them",
    ],
    ["later: a grammar", grammarBytes, "each conversation that has one"],
    ["later: a conversation", conversationBytes, "each one more"],
  ];
}

/** Columns: names left, bytes right, notes left. */
function formatRows(rows: readonly Row[]): string[] {
  const names = Math.max(...rows.map(([what]) => what.length));
  const sizes = rows.map(([, bytes]) =>
    bytes === undefined ? "" : formatBytes(bytes)
  );
  const widest = Math.max(...sizes.map((size) => size.length));
  return rows.map(([what, , note = ""], i) =>
    `  ${what.padEnd(names)}  ${sizes[i]!.padStart(widest)}  ${note}`.trimEnd()
  );
}

function memoryOf({ device, availableBytes }: MemoryPlan): string {
  const { isSoftware, freeBytes } = device;
  if (freeBytes === null) {
    return "memory: a GPU tells how much is free when it is asked for it, Deno takes at most 97 % of that";
  }
  return `memory: ${formatBytes(freeBytes)} ${
    isSoftware ? "of the system's are free" : "of the GPU's"
  }, of which ${formatBytes(availableBytes!)} (97 %) may be used`;
}

function verdictOf({ fits, problem, alternatives }: MemoryPlan): string {
  if (fits) return "It fits.";
  if (problem === null) return "Loading it will tell whether it fits.";
  const would = alternatives.length === 0
    ? "no context and no type of KV cache would"
    : `${formatAlternatives(alternatives)} would`;
  return `It does not fit: ${problem}; ${would}.`;
}

/** Breaks a line between words. */
function wrap(line: string): string[] {
  const lines = [""];
  for (const word of line.split(" ")) {
    const last = lines.at(-1)!;
    const longer = last === "" ? word : `${last} ${word}`;
    if (last !== "" && longer.length > WIDTH) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}
