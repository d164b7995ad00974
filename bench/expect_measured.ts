// deno-lint-ignore-file camelcase -- llama-bench's names
import type { BenchRow } from "../cli/bench_rows.ts";
import type { EncodeResult } from "./encode.ts";
import type { Assumptions } from "./expect_model.ts";
import type { Probe } from "./probe.ts";

/** A measured speed of a model of random weights. */
export interface MeasuredRow {
  /** Its type: `"Q4_0"`. */
  type: string;
  /** `"tg128 @ d2048"` */
  test: string;
  /** Tokens a second. */
  tokensPerSecond: number;
}

/** The fields of a kernel's row that are of use here. */
interface KernelRow {
  format: string;
  columns: number;
  activations: string;
  gpu_stream_fraction: number;
  inputs: number;
  outputs: number;
}

/**
 * What `bench/gpu.sh` measured, in place of assumptions.
 *
 * @param folder Its folder; files that it lacks are passed over.
 * @returns The assumptions that are known, and the speed of llama13b.
 */
export async function readMeasured(
  folder: string,
): Promise<{ assumptions: Partial<Assumptions>; rows: MeasuredRow[] }> {
  const [probe] = await readLines<Probe>(`${folder}/probe.json`);
  const [encode] = await readLines<EncodeResult>(`${folder}/encode.json`);
  const kernels = await readLines<KernelRow>(`${folder}/kernels.jsonl`);
  const models = await readLines<BenchRow>(`${folder}/synthetic.jsonl`);
  const fractions: Record<string, number> = {};
  for (const row of kernels) {
    if (row.columns !== 1 || row.inputs < 5120) continue;
    const { format, gpu_stream_fraction } = row;
    fractions[format] = Math.max(fractions[format] ?? 0, gpu_stream_fraction);
  }
  const assumptions: Partial<Assumptions> = {
    ...(probe !== undefined && {
      streamGBs: probe.streamGBs,
      fmaGFlops: probe.fmaGFlops,
      dot4GFlops: probe.dot4GFlops,
      stepUs: probe.dependentDispatchUs,
      readUs: probe.submitAndReadUs,
    }),
    ...(encode !== undefined && { cpuMs: encode.depths[0]!.stepMs }),
    ...(Object.keys(fractions).length > 0 && { formatFractions: fractions }),
  };
  // One with fewer layers has its name, too.
  const rows = models
    .filter(({ model_filename, model_n_params }) =>
      model_filename === "synthetic:llama13b" && model_n_params > 12e9
    )
    .map(({ model_type, test, avg_ts }) => ({
      type: model_type.split(" ").at(-1)!,
      test,
      tokensPerSecond: avg_ts,
    }));
  return { assumptions, rows };
}

/** A JSON document, or one a line; none where there is no file. */
async function readLines<T>(path: string): Promise<T[]> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
  if (path.endsWith(".json")) return [JSON.parse(text)];
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line));
}
