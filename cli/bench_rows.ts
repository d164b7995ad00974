// deno-lint-ignore-file camelcase -- llama-bench's names
import { type BenchmarkResult, formatBytes } from "../mod.ts";
import config from "../deno.json" with { type: "json" };

/** What is said of a model in each row. */
export interface BenchedModel {
  /** What the file is called. */
  label: string;
  /** Its type, by llama.cpp's name: `"Q4_K_M"`. */
  type: string;
  /** Bytes of the file. */
  size: number;
  /** Weights in all tensors. */
  parameters: number;
  /** The adapter's description of itself. */
  device: string;
  /** Prompt tokens in one step. */
  batch: number;
  /** Element type of the KV cache. */
  kv: string;
}

/** A row: llama-bench's fields as far as there is something to say, then ours. */
export interface BenchRow {
  build_version: string;
  backends: string;
  gpu_info: string;
  model_filename: string;
  model_type: string;
  model_size: number;
  model_n_params: number;
  n_batch: number;
  type_k: string;
  type_v: string;
  n_prompt: number;
  n_gen: number;
  n_depth: number;
  test_time: string;
  avg_ns: number;
  stddev_ns: number;
  avg_ts: number;
  stddev_ts: number;
  /** llama-bench's name of the test in its table; `"ttft512"` is ours. */
  test: string;
  p10_ns: number;
  p50_ns: number;
  p90_ns: number;
  /** The rest is of generation, `null` in other rows. */
  read_bytes: number | null;
  read_gb_s: number | null;
  stream_gb_s: number | null;
  stream_fraction: number | null;
  cpu_ms: number | null;
  samples_ns: number[];
  samples_ts: number[];
}

/**
 * Makes a row of a result.
 *
 * @param model What was measured.
 * @param result What came out.
 * @returns The row.
 */
export function toRow(model: BenchedModel, result: BenchmarkResult): BenchRow {
  const { nPrompt, nGen, nDepth, samplesNs, samplesTs, decode } = result;
  const sorted = samplesNs.toSorted((a, b) => a - b);
  const gigabytes = (bytes: number | undefined) =>
    bytes === undefined ? null : round(bytes / 1e9);
  return {
    build_version: config.version,
    backends: "WebGPU",
    gpu_info: model.device,
    model_filename: model.label,
    model_type: `llama ${formatCount(model.parameters)} ${model.type}`,
    model_size: model.size,
    model_n_params: model.parameters,
    n_batch: model.batch,
    type_k: model.kv,
    type_v: model.kv,
    n_prompt: nPrompt,
    n_gen: nGen,
    n_depth: nDepth,
    test_time: new Date().toISOString(),
    avg_ns: Math.round(mean(samplesNs)),
    stddev_ns: Math.round(deviation(samplesNs)),
    avg_ts: round(mean(samplesTs)),
    stddev_ts: round(deviation(samplesTs)),
    test: testName(result),
    p10_ns: quantile(sorted, 0.1),
    p50_ns: quantile(sorted, 0.5),
    p90_ns: quantile(sorted, 0.9),
    read_bytes: decode === undefined ? null : Math.round(decode.readBytes),
    read_gb_s: gigabytes(decode?.bytesPerSecond),
    stream_gb_s: gigabytes(decode?.streamBytesPerSecond),
    stream_fraction: decode?.streamFraction === undefined
      ? null
      : round(decode.streamFraction),
    cpu_ms: decode === undefined ? null : round(decode.cpuMs),
    samples_ns: samplesNs,
    samples_ts: samplesTs.map(round),
  };
}

/** llama-bench's name of a test: `"pp512"`, `"tg128 @ d2048"`. */
function testName({ test, nPrompt, nGen, nDepth }: BenchmarkResult): string {
  const depth = nDepth > 0 ? ` @ d${nDepth}` : "";
  switch (test) {
    case "prompt":
      return `pp${nPrompt}${depth}`;
    case "generation":
      return `tg${nGen}${depth}`;
    case "firstToken":
      return `ttft${nPrompt}${depth}`;
  }
}

/** The heading of llama-bench's table. */
export const MARKDOWN_HEAD =
  "| model | size | params | backend | test | t/s |\n" +
  "| --- | ---: | ---: | --- | ---: | ---: |";

/** A row of llama-bench's table. */
export function markdownLine(row: BenchRow): string {
  return markdown([
    row.model_type,
    formatBytes(row.model_size),
    formatCount(row.model_n_params),
    row.backends,
    row.test,
    `${row.avg_ts.toFixed(2)} ± ${row.stddev_ts.toFixed(2)}`,
  ]);
}

/**
 * What llama-bench's table has no column for: memory and CPU of generation, and
 * the time to the first token.
 *
 * @param rows All rows.
 * @returns The tables, `""` where there are none.
 */
export function markdownCosts(rows: readonly BenchRow[]): string {
  const tables: string[][] = [];
  const decodes = rows.filter(({ read_bytes }) => read_bytes !== null);
  if (decodes.length > 0) {
    const { stream_gb_s: stream } = decodes[0]!;
    tables.push([
      markdown([
        "generation",
        "GB read a token",
        "GB/s",
        `of ${stream?.toFixed(1) ?? "-"} GB/s`,
        "CPU ms a token",
      ]),
      "| --- | ---: | ---: | ---: | ---: |",
      ...decodes.map((row) =>
        markdown([
          row.test,
          (row.read_bytes! / 1e9).toPrecision(3),
          row.read_gb_s!.toFixed(1),
          row.stream_fraction === null
            ? "-"
            : `${(100 * row.stream_fraction).toFixed(0)} %`,
          row.cpu_ms!.toFixed(2),
        ])
      ),
    ]);
  }
  const first = rows.filter(({ n_prompt, n_gen }) => n_prompt > 0 && n_gen > 0);
  if (first.length > 0) {
    const ms = (ns: number) => `${(ns / 1e6).toFixed(1)} ms`;
    tables.push([
      "| first token after a prompt of | median | 10 % | 90 % |",
      "| --- | ---: | ---: | ---: |",
      ...first.map(({ n_prompt, p50_ns, p10_ns, p90_ns }) =>
        markdown([`${n_prompt}`, ms(p50_ns), ms(p10_ns), ms(p90_ns)])
      ),
    ]);
  }
  return tables.map((lines) => lines.join("\n")).join("\n\n");
}

function markdown(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

/** A number of weights as llama-bench writes it: `"13.02 B"`. */
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

/** A quantile of sorted values, between two neighbours in proportion. */
function quantile(sorted: readonly number[], part: number): number {
  const place = part * (sorted.length - 1);
  const low = sorted[Math.floor(place)]!;
  const high = sorted[Math.ceil(place)]!;
  return Math.round(low + (place - Math.floor(place)) * (high - low));
}

function round(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
