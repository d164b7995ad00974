// deno-lint-ignore-file camelcase -- the names that `bench --kernels` prints

/** A line of `cli.ts bench --kernels -o jsonl`, as far as it is read here. */
export interface KernelRow {
  build_version: string;
  backends: string;
  gpu_info: string;
  test_time: string;
  format: string;
  inputs: number;
  outputs: number;
  columns: number;
  kind: "step" | "prompt";
  activations: string;
  variant: string;
  timing: string;
  median_ns: number;
  file_bytes: number;
  file_gbs: number;
  gflops: number;
  stream_fraction: number;
  arithmetic_fraction: number;
  stream_gbs: number;
  fma_gflops: number;
  dot_gflops: number;
}

/**
 * Writes what kernels come to: a table for each number of columns, how they are
 * added up, and each kind of activations, a line a format, a column a shape.
 *
 * @param rows The measurements of one run.
 * @param plot Name of the roofline's file, beside the report.
 * @returns Lines of Markdown.
 */
export function reportKernels(
  rows: readonly KernelRow[],
  plot: string,
): string[] {
  const [first] = rows;
  if (first === undefined) return ["No kernel was measured.", ""];
  const { stream_gbs, fma_gflops, dot_gflops, timing } = first;
  const groups = Map.groupBy(
    rows,
    ({ columns, kind, activations }) =>
      `${columnsAs(kind, columns)}, ${activations} activations`,
  );
  return [
    "## Kernels",
    "",
    `![Roofline](${plot})`,
    "",
    `Products of random weights, inputs x outputs; time by ${timing}, medians;`,
    "of several kernels for a product the fastest. GB/s of weights as they lie in",
    `a file, and their part of ${stream_gbs.toFixed(1)} GB/s streaming reads;`,
    `GFLOP/s, and their part of ${fma_gflops.toFixed(0)} GFLOP/s FMA, or of`,
    `${
      dot_gflops.toFixed(0)
    } GFLOP/s \`dot4I8Packed\` where activations are int8.`,
    "",
    ...[...groups].flatMap(([title, group]) => [
      `### ${title}`,
      "",
      ...table(group),
      "",
    ]),
  ];
}

function table(rows: readonly KernelRow[]): string[] {
  const shapes = unique(rows.map(shapeOf));
  const formats = unique(rows.map(({ format }) => format));
  const lines = formats.map((format) => {
    const ofFormat = rows.filter((row) => row.format === format);
    const [{ file_bytes, inputs, outputs }] = ofFormat as [KernelRow];
    const bits = Number((8 * file_bytes / (inputs * outputs)).toPrecision(3));
    const cells = shapes.map((shape) => {
      const best = ofFormat.filter((row) => shapeOf(row) === shape)
        .toSorted((a, b) => a.median_ns - b.median_ns)[0];
      return best === undefined ? "" : cell(best);
    });
    return `| ${[format, bits, ...cells].join(" | ")} |`;
  });
  return [
    `| format | bits | ${shapes.join(" | ")} |`,
    `| --- | ---: | ${shapes.map(() => "---:").join(" | ")} |`,
    ...lines,
  ];
}

/** Decode waits for memory, prefill for arithmetic. */
function cell(row: KernelRow): string {
  const [rate, unit, part] = row.columns === 1
    ? [row.file_gbs, "GB/s", row.stream_fraction]
    : [row.gflops, "GFLOP/s", row.arithmetic_fraction];
  const digits = rate < 10 ? 2 : rate < 1000 ? 1 : 0;
  return `${rate.toFixed(digits)} ${unit}, ${(100 * part).toFixed(0)} %`;
}

function columnsAs(kind: KernelRow["kind"], columns: number): string {
  if (columns === 1) return "1 column";
  return `${columns} columns${kind === "step" ? " as steps" : ""}`;
}

function shapeOf({ inputs, outputs }: KernelRow): string {
  return `${inputs}x${outputs}`;
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}

/** The rows for a file: what is the same in all of them stands there once. */
export function compactKernels(rows: readonly KernelRow[]) {
  const [first] = rows;
  if (first === undefined) return { rows: [] };
  const { build_version, backends, gpu_info, timing } = first;
  const { stream_gbs, fma_gflops, dot_gflops } = first;
  const shared = {
    build_version,
    backends,
    gpu_info,
    timing,
    stream_gbs,
    fma_gflops,
    dot_gflops,
  };
  const names = [...Object.keys(shared), "test_time"];
  return {
    ...shared,
    rows: rows.map((row) =>
      Object.fromEntries(
        Object.entries(row).filter(([name]) => !names.includes(name)),
      )
    ),
  };
}
