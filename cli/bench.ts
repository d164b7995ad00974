import { Command, Option } from "commander";
import {
  benchmarkModel,
  type BenchmarkResult,
  formatBytes,
  type Inspection,
  inspectModel,
  type Model,
} from "../mod.ts";
import config from "../deno.json" with { type: "json" };
import {
  benchKernels,
  type KernelFlags,
  kernelOptions,
} from "./bench_kernels.ts";
import { interruptSignal, loadWithProgress } from "./model.ts";
import {
  integer,
  integers,
  jsonOption,
  type LoadFlags,
  loadOptions,
  toLoadOptions,
} from "./options.ts";
import { writeCsv, writeJson, writeLine } from "./output.ts";

/** `seraph bench` */
export function benchCommand(): Command {
  const command = new Command("bench")
    .description("measure a model, with llama-bench's columns, or the kernels")
    .argument("[model]", "GGUF file")
    .option("-p, --n-prompt <n>", "prompt lengths: 64,512", integers)
    .option("-n, --n-gen <n>", "tokens to generate: 32,128", integers)
    .option(
      "-r, --repetitions <n>",
      "runs of each (5; kernels: 20)",
      integer(1),
    )
    .addOption(
      new Option("-o, --output <format>", "how to print")
        .choices(["md", "json", "jsonl", "csv"]),
    );
  for (const option of loadOptions()) command.addOption(option);
  command.addOption(jsonOption())
    .option(
      "--kernels",
      "measure the kernels on random weights, without a model",
    )
    .optionsGroup("Options with --kernels:");
  for (const option of kernelOptions()) command.addOption(option);
  return command.action(bench);
}

interface Flags extends LoadFlags, KernelFlags {
  nPrompt?: number[];
  nGen?: number[];
  repetitions?: number;
  output?: "md" | "json" | "jsonl" | "csv";
  json?: boolean;
  kernels?: boolean;
}

type Row = Record<string, string | number | number[]>;

/** Options of a model that kernels have, too. */
const SHARED = ["repetitions", "output", "json", "subgroups", "kernels"];

async function bench(
  path: string | undefined,
  flags: Flags,
  command: Command,
): Promise<void> {
  const { kernels = false } = flags;
  const ofKernels = kernelOptions().map((option) => option.attributeName());
  for (const { attributeName, long } of givenOptions(command)) {
    if (SHARED.includes(attributeName)) continue;
    if (ofKernels.includes(attributeName) === kernels) continue;
    command.error(
      `error: option '${long}' ${
        kernels ? "is for models, without" : "needs"
      } --kernels`,
    );
  }
  if (!kernels) {
    if (path === undefined) {
      command.error("error: missing required argument 'model', or --kernels");
    }
    await benchModel(path, flags);
    return;
  }
  if (path !== undefined) {
    command.error(`error: --kernels takes no model, "${path}" is one too many`);
  }
  await benchKernels(flags, flags.json ? "json" : flags.output, command);
}

function givenOptions(command: Command) {
  return command.options
    .map((option) => ({
      attributeName: option.attributeName(),
      long: option.long,
    }))
    .filter(({ attributeName }) =>
      command.getOptionValueSource(attributeName) === "cli"
    );
}

async function benchModel(path: string, flags: Flags): Promise<void> {
  const { repetitions = 5 } = flags;
  using interrupt = interruptSignal();
  const { signal } = interrupt;
  const inspection = await inspectModel(path);
  await using model = await loadWithProgress(path, {
    ...toLoadOptions(flags),
    signal,
  });
  const output = flags.json ? "json" : flags.output;
  // As asked for; the defaults give way to a short context.
  const prompts = flags.nPrompt ?? [Math.min(512, model.contextLength)];
  const generations = flags.nGen ?? [Math.min(128, model.contextLength - 1)];
  const rows: Row[] = [];
  const results = benchmarkModel(model, {
    prompts,
    generations,
    repetitions,
    signal,
  });
  for await (const result of results) {
    const row = toRow(inspection, model, flags, result);
    rows.push(row);
    if (output === "json") continue;
    const first = rows.length === 1;
    if (output === "jsonl") writeLine(JSON.stringify(row));
    else if (output === "csv") writeCsv(row, first);
    else writeMarkdown(row, first);
  }
  if (output === "json") writeJson(rows);
}

/** llama-bench's fields, as far as there is something to say. */
function toRow(
  { label, size, parameters, fileType, bytesByType }: Inspection,
  model: Model,
  { kv = "f16", batch = 512 }: Flags,
  { nPrompt, nGen, samplesNs, samplesTs }: BenchmarkResult,
): Row {
  const [largest] = Object.entries(bytesByType).sort(([, a], [, b]) => b - a);
  return {
    build_version: config.version,
    backends: "WebGPU",
    gpu_info: model.device,
    model_filename: label,
    model_type: `llama ${formatCount(parameters)} ${
      fileType ?? largest?.[0] ?? "?"
    }`,
    model_size: size,
    model_n_params: parameters,
    n_batch: Math.min(batch, model.contextLength),
    type_k: kv,
    type_v: kv,
    n_prompt: nPrompt,
    n_gen: nGen,
    test_time: new Date().toISOString(),
    avg_ns: Math.round(mean(samplesNs)),
    stddev_ns: Math.round(deviation(samplesNs)),
    avg_ts: round(mean(samplesTs)),
    stddev_ts: round(deviation(samplesTs)),
    samples_ns: samplesNs,
    samples_ts: samplesTs.map(round),
  };
}

function writeMarkdown(row: Row, first: boolean): void {
  if (first) {
    writeLine(
      "| model | size | params | backend | test | t/s |\n" +
        "| --- | ---: | ---: | --- | ---: | ---: |",
    );
  }
  const test = row.n_prompt !== 0 ? `pp${row.n_prompt}` : `tg${row.n_gen}`;
  const cells = [
    row.model_type,
    formatBytes(Number(row.model_size)),
    formatCount(Number(row.model_n_params)),
    row.backends,
    test,
    `${Number(row.avg_ts).toFixed(2)} ± ${Number(row.stddev_ts).toFixed(2)}`,
  ];
  writeLine(`| ${cells.join(" | ")} |`);
}

function formatCount(n: number): string {
  return n >= 1e9 ? `${(n / 1e9).toFixed(2)} B` : `${(n / 1e6).toFixed(2)} M`;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The standard deviation of a sample, 0 of a single value. */
function deviation(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const center = mean(values);
  const squares = values.reduce((sum, v) => sum + (v - center) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1));
}

function round(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
