import { Command } from "commander";
import { formatBytes, inspectModel, type Metadata } from "../mod.ts";
import {
  inspectPlan,
  type PlanFlags,
  planOptions,
  refuseWithoutPlan,
} from "./inspect_plan.ts";
import { jsonOption, MODEL } from "./options.ts";
import { formatTable, writeJson, writeLine } from "./output.ts";

/** Arrays longer than this are shortened, unless `--full` is given. */
const SHOWN = 8;

/** `seraph inspect` */
export function inspectCommand(): Command {
  const command = new Command("inspect")
    .description("show what stands in a GGUF file; needs no GPU")
    .argument("<model>", MODEL)
    .option("--full", "show long arrays whole")
    .option("--plan", "show the GPU memory that it takes instead")
    .addOption(jsonOption());
  for (const option of planOptions()) command.addOption(option);
  return command.action(inspect);
}

interface InspectFlags extends PlanFlags {
  json?: boolean;
  full?: boolean;
  plan?: boolean;
}

async function inspect(
  path: string,
  flags: InspectFlags,
  command: Command,
): Promise<void> {
  const { json, full, plan } = flags;
  if (plan) return await inspectPlan(path, flags);
  refuseWithoutPlan(command);
  const inspection = await inspectModel(path);
  const metadata = full ? inspection.metadata : shorten(inspection.metadata);
  if (json) {
    writeJson({ ...inspection, metadata });
    return;
  }
  const { label, version, size, parameters, tensors, bytesByType, problem } =
    inspection;
  writeLine(
    `${label}: GGUF ${version}, ${
      formatBytes(size)
    }, ${parameters} weights in ${tensors.length} tensors`,
  );
  writeLine(
    problem === null ? "It can be run." : `It cannot be run: ${problem}`,
  );
  writeLine();
  writeLine(formatTable(
    Object.entries(metadata).map(([key, value]) => [
      key,
      typeof value === "string" ? oneLine(value) : describe(value),
    ]),
  ));
  if (tensors.length === 0) return;
  writeLine();
  writeLine(formatTable([
    ["tensor", "type", "shape", "bytes"],
    ...tensors.map((t) => [t.name, t.type, t.shape.join(" x "), t.bytes]),
  ]));
  writeLine();
  writeLine(formatTable(
    Object.entries(bytesByType).map(([type, n]) => [type, formatBytes(n)]),
  ));
}

/** Metadata with `{ length, first }` in place of long arrays. */
function shorten(metadata: Metadata): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(metadata).map(([key, value]) => [
      key,
      Array.isArray(value) && value.length > SHOWN
        ? { length: value.length, first: value.slice(0, SHOWN) }
        : value,
    ]),
  );
}

function describe(value: unknown): string {
  if (typeof value === "object" && value !== null && "first" in value) {
    const { length, first } = value as { length: number; first: unknown[] };
    return oneLine(`[${first.map(String).join(", ")}, …] (${length})`);
  }
  return oneLine(Array.isArray(value) ? `[${value.join(", ")}]` : `${value}`);
}

function oneLine(text: string): string {
  const line = JSON.stringify(text).slice(1, -1);
  return line.length > 100 ? `${line.slice(0, 99)}…` : line;
}
