import { type Command, Option } from "commander";
import { benchmarkModel, type Model } from "../mod.ts";
import { printProfile } from "./bench_profile.ts";
import {
  type BenchedModel,
  type BenchRow,
  MARKDOWN_HEAD,
  markdownCosts,
  markdownLine,
  toRow,
} from "./bench_rows.ts";
import { integers, type LoadFlags, loadOptions } from "./options.ts";
import { writeCsv, writeJson, writeLine } from "./output.ts";

/** How `bench` prints. */
export type BenchOutput = "md" | "json" | "jsonl" | "csv";

/** What the options of {@linkcode benchModelOptions} parse to. */
export interface BenchModelFlags extends LoadFlags {
  nPrompt?: number[];
  nGen?: number[];
  nDepth?: number[];
  profile?: boolean;
  repetitions?: number;
  output?: BenchOutput;
  json?: boolean;
}

/** The options of `bench` that are about what a model is measured at. */
export function benchModelOptions(): Option[] {
  return [
    new Option("-p, --n-prompt <n>", "prompt lengths: 64,512")
      .argParser(integers),
    new Option("-n, --n-gen <n>", "tokens to generate: 32,128")
      .argParser(integers),
    new Option(
      "-d, --n-depth <n>",
      "tokens in the context before: 0,512,2048 (0)",
    ).argParser(integers),
    new Option("--profile", "GPU time by stage and kernel instead"),
  ];
}

/**
 * Where and with whom a model runs: what is measured runs here, by itself, and in
 * the format of its file.
 */
const COMPANY = ["worker", "draft", "as"];

/** The options of commands that load a model, as far as they can be measured. */
export function benchLoadOptions(): Option[] {
  return loadOptions().filter((option) =>
    !COMPANY.includes(option.attributeName())
  );
}

/** `-o` */
export function outputOption(): Option {
  return new Option("-o, --output <format>", "how to print")
    .choices(["md", "json", "jsonl", "csv"]);
}

/**
 * Positions that the tests take.
 *
 * @param flags The tests; what is not given gives way to a short context.
 * @returns The longest test at the greatest depth.
 */
export function neededContext(
  { nPrompt = [], nGen = [], nDepth = [], profile = false }: BenchModelFlags,
): number {
  const depth = Math.max(0, ...nDepth);
  if (profile) return Math.max(depth + 1, ...nPrompt);
  // Before the first token comes BOS.
  const generation = Math.max(0, ...nGen);
  const longest = Math.max(0, generation, ...nPrompt);
  return Math.max(depth + longest, generation > 0 ? 1 + generation : 0);
}

/**
 * Ends with a usage error where the tests do not fit into a context.
 *
 * @param command Reports it.
 * @param flags The tests, and the context that was asked for.
 * @param most Positions that the model can have.
 * @returns The context to load the model with, where it is not the default.
 */
export function chooseContext(
  command: Command,
  flags: BenchModelFlags,
  { most, usual }: { most: number; usual: number },
): number | undefined {
  const needed = neededContext(flags);
  const limit = flags.context ?? most;
  if (needed > limit) {
    command.error(
      `error: the tests take a context of ${needed} tokens, depth included, ${
        flags.context === undefined ? "the model has" : "--context is"
      } ${limit}`,
    );
  }
  return flags.context ?? (needed > usual ? needed : undefined);
}

/**
 * Measures a model and prints what came out.
 *
 * @param model The model.
 * @param about What the rows say of it.
 * @param options What to measure, and how to stop it.
 */
export async function benchModel(
  model: Model,
  about: Pick<BenchedModel, "label" | "type" | "size" | "parameters">,
  { flags, signal }: { flags: BenchModelFlags; signal: AbortSignal },
): Promise<void> {
  const { batch = 512, kv = "f16", repetitions = 5, nDepth = [0] } = flags;
  const output = flags.json ? "json" : flags.output;
  const { contextLength, device } = model;
  const bench = {
    ...about,
    device,
    batch: Math.min(batch, contextLength),
    kv,
  };
  const room = contextLength - Math.max(...nDepth);
  if (flags.profile) {
    const prompt = Math.min(bench.batch, Math.max(...flags.nPrompt ?? [512]));
    await printProfile(model, {
      ...{ depths: nDepth, prompt, repetitions, output, signal },
    });
    return;
  }
  // As asked for; the defaults give way to a short context.
  const results = benchmarkModel(model, {
    prompts: flags.nPrompt ?? [Math.min(512, room)],
    generations: flags.nGen ?? [Math.min(128, room, contextLength - 1)],
    depths: nDepth,
    firstToken: true,
    repetitions,
    signal,
  });
  const rows: BenchRow[] = [];
  for await (const result of results) {
    const row = toRow(bench, result);
    rows.push(row);
    print(row, output, rows.length === 1);
  }
  if (output === "json") writeJson(rows);
  if (output !== undefined && output !== "md") return;
  const costs = markdownCosts(rows);
  if (costs !== "") writeLine(`\n${costs}`);
}

function print(
  row: BenchRow,
  output: BenchOutput | undefined,
  first: boolean,
): void {
  switch (output) {
    case "json":
      return;
    case "jsonl":
      return writeLine(JSON.stringify(row));
    case "csv":
      return writeCsv({ ...row }, first);
    default:
      // A first token is no speed: it stands in a table of its own.
      if (row.n_prompt > 0 && row.n_gen > 0) return;
      if (first) writeLine(MARKDOWN_HEAD);
      return writeLine(markdownLine(row));
  }
}
