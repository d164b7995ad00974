import { type Model, type ModelProfile, profileModel } from "../mod.ts";
import { formatTable, writeCsv, writeJson, writeLine } from "./output.ts";
import type { BenchOutput } from "./bench_model.ts";

/** Options for {@linkcode printProfile}. */
export interface PrintProfileOptions {
  /** Positions before the decode step. */
  depths: readonly number[];
  /** Rows of the prompt batch, 0 for none. */
  prompt: number;
  /** How often each is measured. */
  repetitions: number;
  /** How to print; tables where nothing is asked for. */
  output: BenchOutput | undefined;
  /** Stops it. */
  signal: AbortSignal;
}

/**
 * `seraph bench --profile`: where the GPU's time goes.
 *
 * @param model The model.
 * @param options What to measure, and how to print it.
 */
export async function printProfile(
  model: Model,
  { output, ...options }: PrintProfileOptions,
): Promise<void> {
  const profiles: ModelProfile[] = [];
  let isFirst = true;
  for await (const profile of profileModel(model, options)) {
    profiles.push(profile);
    switch (output) {
      case "json":
        break;
      case "jsonl":
        writeLine(JSON.stringify(profile));
        break;
      case "csv":
        for (const row of toRows(profile)) {
          writeCsv(row, isFirst);
          isFirst = false;
        }
        break;
      default:
        writeLine(`${formatProfile(profile)}\n`);
    }
  }
  if (output === "json") writeJson(profiles);
}

/** The entries of a profile, a flat row each. */
function toRows(
  { test, rows, depth, stages, kernels }: ModelProfile,
): Record<string, unknown>[] {
  const of = (by: string, entries: ModelProfile["stages"]) =>
    entries.map(({ name, dispatches, seconds, share, readBytes = null }) => ({
      ...{ test, rows, depth, by, name, dispatches },
      ...{ seconds, share, readBytes },
    }));
  return [...of("stage", stages), ...of("kernel", kernels)];
}

/** A profile as tables. */
function formatProfile(profile: ModelProfile): string {
  const { test, rows, depth, seconds, passSeconds, stages, kernels } = profile;
  const what = test === "decode"
    ? `decode at depth ${depth}`
    : `a batch of ${rows} prompt tokens`;
  const ms = (seconds: number) => (seconds * 1000).toFixed(3);
  const table = (by: string, entries: ModelProfile["stages"]) => {
    const reads = entries.some(({ readBytes }) => readBytes !== undefined);
    return formatTable([
      [by, "dispatches", "      ms", " share", ...reads ? ["   GB/s"] : []],
      ...entries.map(({ name, dispatches, seconds, share, readBytes }) => [
        name,
        dispatches,
        ms(seconds).padStart(8),
        `${(100 * share).toFixed(1)} %`.padStart(6),
        ...readBytes === undefined
          ? []
          : [(readBytes / seconds / 1e9).toFixed(1).padStart(7)],
      ]),
    ]);
  };
  return [
    `${what}: ${ms(passSeconds)} ms in one pass, ${
      ms(seconds)
    } ms kernel by kernel`,
    "",
    table("stage", stages),
    "",
    table("kernel", kernels),
  ].join("\n");
}
