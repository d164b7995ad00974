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
import { interruptSignal, loadWithProgress } from "./model.ts";
import {
  integer,
  integers,
  jsonOption,
  type LoadFlags,
  loadOptions,
  toLoadOptions,
} from "./options.ts";
import { writeJson, writeLine } from "./output.ts";

/** `seraph bench` */
export function benchCommand(): Command {
  const command = new Command("bench")
    .description("measure a model, with llama-bench's columns")
    .argument("<model>", "GGUF file")
    .option("-p, --n-prompt <n>", "prompt lengths: 64,512", integers)
    .option("-n, --n-gen <n>", "tokens to generate: 32,128", integers)
    .option("-r, --repetitions <n>", "runs of each", integer(1), 5)
    .addOption(
      new Option("-o, --output <format>", "how to print")
        .choices(["md", "json", "jsonl", "csv"]).default("md"),
    );
  for (const option of loadOptions()) command.addOption(option);
  return command.addOption(jsonOption()).action(bench);
}

interface Flags extends LoadFlags {
  nPrompt?: number[];
  nGen?: number[];
  repetitions: number;
  output: "md" | "json" | "jsonl" | "csv";
  json?: boolean;
}

type Row = Record<string, string | number | number[]>;

async function bench(path: string, flags: Flags): Promise<void> {
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
    repetitions: flags.repetitions,
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
  { label, size, parameters, bytesByType }: Inspection,
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
    model_type: `llama ${formatCount(parameters)} ${largest?.[0] ?? "?"}`,
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

function writeCsv(row: Row, first: boolean): void {
  const scalars = Object.entries(row).filter(([, v]) => !Array.isArray(v));
  if (first) writeLine(scalars.map(([key]) => key).join(","));
  const quote = (value: unknown) => `"${String(value).replaceAll('"', '""')}"`;
  writeLine(scalars.map(([, value]) => quote(value)).join(","));
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
