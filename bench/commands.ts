/**
 * Counts dispatches and barriers of steps from the Vulkan command stream: for
 * `bench/commands.sh`, which puts the shim in front of the driver.
 *
 * Each argument is a GGUF file, or `SHAPE:TYPE` for a model of random weights.
 *
 * @module
 */

import { loadModel, type Model } from "../mod.ts";
import { BufferPool } from "../src/gpu/buffers.ts";
import type { LentParts } from "../src/engine/gpu_engine.ts";
import { createKvBuffers } from "../src/model/kv_buffers.ts";
import { batchOf, type LlamaRows } from "../src/model/llama.ts";
import {
  type CommandCounts,
  countCommands,
  type Dependency,
} from "./command_log.ts";
import { createSyntheticModel } from "./synthetic/model.ts";
import { findShape } from "./synthetic/shapes.ts";

const LOG = Deno.env.get("SHIM_LOG") ?? "vkshim.log";
/** Positions, where attention of a row has parts to add up. */
const DEEP = 1024;
const PROMPT = 64;
/** Steps that are queued and read back at once. */
const CHUNKS = [1, 8];

/** A dispatch: what it runs, and where. */
interface Dispatch {
  stage: string;
  kernel: string;
}

/** The part of the log that was written meanwhile. */
async function logOf(work: () => unknown): Promise<string> {
  const start = Deno.statSync(LOG).size;
  await work();
  using file = await Deno.open(LOG);
  await file.seek(start, Deno.SeekMode.Start);
  return await new Response(file.readable).text();
}

/** Lists dispatches on their way into a pass. */
function listen(
  pass: GPUComputePassEncoder,
): {
  pass: GPUComputePassEncoder;
  dispatches: Dispatch[];
  mark: (stage: string) => void;
} {
  const dispatches: Dispatch[] = [];
  let stage = "";
  let kernel = "";
  const listening = {
    setPipeline(pipeline: GPUComputePipeline) {
      kernel = pipeline.label;
      pass.setPipeline(pipeline);
    },
    setBindGroup: (index: number, group: GPUBindGroup) =>
      pass.setBindGroup(index, group),
    dispatchWorkgroups(...size: [number, number, number]) {
      dispatches.push({ stage, kernel });
      pass.dispatchWorkgroups(...size);
    },
  };
  return {
    pass: listening as unknown as GPUComputePassEncoder,
    dispatches,
    mark: (next) => stage = next,
  };
}

/** Prints what one step records. */
async function printStep(
  { gpu: { device }, llama }: LentParts,
  { what, rows }: { what: string; rows: LlamaRows },
): Promise<void> {
  using pool = new BufferPool(device);
  const context = rows.position + rows.rows;
  const cache = createKvBuffers(pool, { ...llama, context });
  const attention = llama.bindCache(cache);
  await pool.check("a KV cache");
  let dispatches: Dispatch[] = [];
  const log = await logOf(() => {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    const listening = listen(pass);
    const { mark } = listening;
    llama.forward(listening.pass, batchOf(rows, attention), mark);
    mark("head");
    llama.head(listening.pass, 1, "step");
    pass.end();
    encoder.finish();
    dispatches = listening.dispatches;
  });
  const counts = countCommands(log);
  if (counts.dispatches.length !== dispatches.length) {
    throw new Error(
      `Cannot count: ${dispatches.length} dispatches were recorded and ${counts.dispatches.length} arrived, see bench/commands.sh --help`,
    );
  }
  const { layers } = llama.config;
  const inLayers = dispatches.flatMap(({ stage }, i) =>
    ["embed", "head"].includes(stage) ? [] : [counts.dispatches[i]!]
  );
  print(`- ${what}: ${total(counts)}`);
  print(
    `  a layer: ${(inLayers.length / layers).toFixed(2)} dispatches, ${
      tally(inLayers, layers)
    }`,
  );
  // The second layer stands for all: the first one's buffers are fresh.
  const [first, next] = dispatches
    .flatMap(({ stage }, i) => stage === "qkv" ? [i] : [])
    .filter((i) => dispatches[i - 1]?.stage !== "qkv")
    .slice(1, 3);
  if (first === undefined) return;
  const end = next ?? dispatches.findIndex(({ stage }) => stage === "head");
  for (let i = first; i < end; i++) {
    const { stage, kernel } = dispatches[i]!;
    print(`    ${stage.padEnd(10)}${kernel}: ${counts.dispatches[i]}`);
  }
}

function total({ dispatches, dispatchBarriers }: CommandCounts): string {
  return `${dispatches.length} dispatches, ${dispatchBarriers} barriers; ${
    tally(dispatches, 1)
  }`;
}

function tally(dependencies: readonly Dependency[], divisor: number): string {
  const kinds = Map.groupBy(dependencies, (kind) => kind);
  return [...kinds].map(([kind, { length }]) => {
    const count = length / divisor;
    return `${kind} ${Number.isInteger(count) ? count : count.toFixed(2)}`;
  }).join(", ");
}

/** Prints what a chunk of steps takes in the decode loop, as it runs. */
async function printLoop(model: Model, steps: number): Promise<void> {
  const chunks = [4, 12] as const;
  const generate = (count: number) => async () => {
    // The first token comes with the prompt.
    const maxTokens = 1 + steps * count;
    const options = { maxTokens, ignoreEos: true, steps };
    await model.generate([1], options).result();
  };
  await generate(chunks[1])();
  const [less, more] = [
    countCommands(await logOf(generate(chunks[0]))),
    countCommands(await logOf(generate(chunks[1]))),
  ];
  const each = (of: (counts: CommandCounts) => number) =>
    Number(((of(more) - of(less)) / (chunks[1] - chunks[0])).toFixed(2));
  print(
    `- decode loop, ${steps} at a time: ${
      each(({ dispatches }) => dispatches.length)
    } dispatches, ${each(({ barriers }) => barriers)} barriers, ${
      each(({ submits }) => submits)
    } submits of ${
      each(({ commandBuffers }) => commandBuffers)
    } command buffers`,
  );
}

function open(name: string): Promise<Model> {
  const options = { contextLength: DEEP, tune: "off" } as const;
  const [, shape, type] = /^([^:/]+):(\w+)$/.exec(name) ?? [];
  if (shape === undefined || type === undefined) {
    return loadModel(name, { tune: "off" });
  }
  return createSyntheticModel(findShape(shape), type, options)
    .then(({ model }) => model);
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

if (import.meta.main) {
  for (const name of Deno.args) {
    await using model = await open(name);
    print(`${name}, ${model.config.layers} layers`);
    const deep = Math.min(DEEP, model.contextLength) - 1;
    await model.lend(async (parts) => {
      const step = { rows: 1, kind: "step" } as const;
      await printStep(parts, {
        what: "decode at depth 0",
        rows: { ...step, position: 0 },
      });
      await printStep(parts, {
        what: `decode at depth ${deep}`,
        rows: { ...step, position: deep },
      });
      const rows = Math.min(PROMPT, parts.llama.state.batch);
      await printStep(parts, {
        what: `prompt batch of ${rows}`,
        rows: { rows, position: 0, kind: "prompt" },
      });
    });
    for (const steps of CHUNKS) await printLoop(model, steps);
  }
}
