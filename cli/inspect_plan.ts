import { type Command, InvalidArgumentError, Option } from "commander";
import { formatPlan, planModel } from "../mod.ts";
import { interruptSignal } from "./model.ts";
import { type LoadFlags, loadOptions, toLoadOptions } from "./options.ts";
import { writeJson, writeLine } from "./output.ts";

/** What the options of {@linkcode planOptions} parse to. */
export interface PlanFlags extends LoadFlags {
  /** Whether one document is printed. */
  json?: boolean;
  /** The same as `kv`. */
  kvType?: NonNullable<LoadFlags["kv"]>;
  /** Bytes of memory that the GPU has free. */
  memory?: number;
  /** Whether the GPU is asked for all of it. */
  probe?: boolean;
}

/** Options of a load that memory does not depend on. */
const NOT_PLANNED = ["tune", "subgroups", "worker"];

/** The options of `inspect --plan`. */
export function planOptions(): Option[] {
  return [
    ...loadOptions().filter((option) =>
      !NOT_PLANNED.includes(option.attributeName())
    ),
    new Option("--kv-type <type>", "the same as --kv")
      .choices(["f16", "f32", "q8_0"]).conflicts("kv"),
    new Option("--memory <size>", "what a GPU has free: 12GiB, 8GB, 500MB")
      .argParser(bytes),
    new Option("--probe", "ask the GPU for all of it, and give it back")
      .conflicts("memory"),
  ];
}

/**
 * Prints what loading a model allocates, and whether there is room for it.
 *
 * @param path The GGUF file.
 * @param flags How it is to be loaded.
 */
export async function inspectPlan(
  path: string,
  { json, memory, probe, kvType, ...flags }: PlanFlags,
): Promise<void> {
  using interrupt = interruptSignal();
  const load = toLoadOptions(flags);
  const plan = await planModel(path, {
    ...load,
    kv: kvType ?? load.kv,
    memory,
    probe,
    signal: interrupt.signal,
  });
  if (json) writeJson(plan);
  else writeLine(formatPlan(plan));
}

/** Ends with a usage error where an option is given that only a plan looks at. */
export function refuseWithoutPlan(command: Command): void {
  for (const option of planOptions()) {
    const name = option.attributeName();
    if (command.getOptionValueSource(name) !== "cli") continue;
    command.error(`error: option '${option.flags}' wants --plan beside it`);
  }
}

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KIB: 2 ** 10,
  MIB: 2 ** 20,
  GIB: 2 ** 30,
};

/** Parses `12GiB`, `8 GB` or bytes. */
function bytes(text: string): number {
  const [, number, unit] = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text) ??
    [];
  const factor = UNITS[unit?.toUpperCase() ?? "?"];
  if (factor === undefined) {
    throw new InvalidArgumentError("A size such as 12GiB is wanted.");
  }
  return Math.floor(Number(number) * factor);
}
