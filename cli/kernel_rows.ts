import type { KernelTiming } from "../mod.ts";
import config from "../deno.json" with { type: "json" };

/** A timing as programs read it: flat, with units in the names. */
export type KernelRow = Record<string, string | number>;

/**
 * Makes a row of a timing; `gbs` is 10^9 bytes a second.
 *
 * @param timing The timing.
 * @returns The row.
 */
export function toKernelRow(timing: KernelTiming): KernelRow {
  const { device, format, inputs, outputs, columns } = timing;
  const { kind, activations, variant, samples, dispatches, sets } = timing;
  const { median, lowerQuartile, upperQuartile } = timing.seconds;
  const { streamBytesPerSecond, fmaFlopsPerSecond, dotFlopsPerSecond } =
    timing.ceilings;
  return {
    build_version: config.version,
    backends: "WebGPU",
    gpu_info: device,
    format,
    inputs,
    outputs,
    columns,
    kind,
    activations,
    variant,
    timing: timing.timing,
    samples,
    dispatches,
    sets,
    median_ns: round(median * 1e9),
    lower_quartile_ns: round(lowerQuartile * 1e9),
    upper_quartile_ns: round(upperQuartile * 1e9),
    file_bytes: timing.fileBytes,
    gpu_bytes: timing.gpuBytes,
    file_gbs: round(timing.fileBytesPerSecond / 1e9),
    gpu_gbs: round(timing.gpuBytesPerSecond / 1e9),
    gflops: round(timing.flopsPerSecond / 1e9),
    stream_fraction: round(timing.streamFraction),
    gpu_stream_fraction: round(timing.gpuStreamFraction),
    arithmetic_fraction: round(timing.arithmeticFraction),
    flops_per_byte: round(timing.flopsPerByte),
    error: timing.error,
    stream_gbs: round(streamBytesPerSecond / 1e9),
    fma_gflops: round(fmaFlopsPerSecond / 1e9),
    dot_gflops: round(dotFlopsPerSecond / 1e9),
    test_time: new Date().toISOString(),
  };
}

/** Six digits are more than a clock is good for. */
function round(value: number): number {
  return Number(value.toPrecision(6));
}

/** Headings of the table, and widths; the last column is as wide as it is. */
const COLUMNS = [
  ["format", -7],
  ["shape", -11],
  ["cols", 4],
  ["act", -4],
  ["us", 7],
  ["±%", 3],
  ["GB/s", 5],
  ["GFLOP/s", 7],
  ["mem%", 4],
  ["alu%", 4],
  ["kernel", 0],
] as const;

/**
 * What stands above the table: the device, its ceilings, and what is printed.
 *
 * @param timing The first timing.
 * @returns Lines of at most 80 characters, but for long device names.
 */
export function kernelTableHead(timing: KernelTiming): string {
  const { device, ceilings, timing: method } = timing;
  const gbs = significant(ceilings.streamBytesPerSecond / 1e9);
  const fma = significant(ceilings.fmaFlopsPerSecond / 1e9);
  const dot = significant(ceilings.dotFlopsPerSecond / 1e9);
  return [
    device,
    `ceilings: reads ${gbs} GB/s, FMA ${fma} GFLOP/s, dot4I8Packed ${dot} GFLOP/s`,
    `time by ${
      method === "timestamps"
        ? "the GPU's timestamps"
        : "the wall clock, submit and read-back included"
    }`,
    "us: median ± half the distance of the quartiles; GB/s: weights as in a file",
    "mem: GB/s by the reads; alu: GFLOP/s by FMA, or by dot4I8Packed for int8",
    "cols: 1 is a decode step; 2 to 8 are several steps at once (4r…), or a prompt",
    "act: what weights are multiplied with; kernel: its variant, sg is subgroups",
    "",
    line(COLUMNS.map(([name]) => name)),
  ].join("\n");
}

/**
 * Formats one line of the table, aligned with every other.
 *
 * @param timing The timing.
 * @returns The line, of at most 80 characters.
 */
export function kernelTableLine(timing: KernelTiming): string {
  const cells = kernelCells(timing);
  // The longest names of kernels would not fit.
  return line([
    ...cells.slice(0, -1),
    cells.at(-1)!.replace("subgroups", "sg"),
  ]);
}

/** The head of a Markdown table. */
export function kernelMarkdownHead(): string {
  const rules = COLUMNS.map(([, width]) => width > 0 ? "---:" : "---");
  return `| ${COLUMNS.map(([name]) => name).join(" | ")} |\n| ${
    rules.join(" | ")
  } |`;
}

/** One line of a Markdown table. */
export function kernelMarkdownLine(timing: KernelTiming): string {
  return `| ${kernelCells(timing).join(" | ")} |`;
}

function kernelCells(timing: KernelTiming): string[] {
  const { format, inputs, outputs, columns, activations, variant } = timing;
  const { median, lowerQuartile, upperQuartile } = timing.seconds;
  return [
    format,
    `${inputs}x${outputs}`,
    String(columns),
    activations,
    significant(median * 1e6),
    percent((upperQuartile - lowerQuartile) / 2 / median),
    significant(timing.fileBytesPerSecond / 1e9),
    significant(timing.flopsPerSecond / 1e9),
    percent(timing.streamFraction),
    percent(timing.arithmeticFraction),
    variant,
  ];
}

function line(cells: readonly string[]): string {
  return cells.map((cell, i) => {
    const [, width] = COLUMNS[i]!;
    return width > 0 ? cell.padStart(width) : cell.padEnd(-width);
  }).join(" ").trimEnd();
}

/** Three digits, without an exponent. */
export function significant(value: number): string {
  const rounded = Number(value.toPrecision(3));
  const digits = Math.floor(Math.log10(Math.max(rounded, 1e-9)));
  return value.toFixed(Math.min(3, Math.max(0, 2 - digits)));
}

function percent(fraction: number): string {
  const value = 100 * fraction;
  return value.toFixed(value < 9.95 ? 1 : 0);
}
