import type { BenchRow } from "../cli/bench_rows.ts";
import type { ModelProfile } from "../mod.ts";

/**
 * Writes what models come to: a line a test.
 *
 * @param title The heading.
 * @param rows The rows of `bench -o jsonl`.
 * @returns Lines of Markdown.
 */
export function reportModels(
  title: string,
  rows: readonly BenchRow[],
): string[] {
  if (rows.length === 0) return [];
  const stream = rows.find(({ stream_gb_s }) => stream_gb_s !== null)
    ?.stream_gb_s;
  return [
    `## ${title}`,
    "",
    `Tokens/s, or the median time to a first token; what a token reads, as a`,
    `part of ${
      stream?.toFixed(1) ?? "-"
    } GB/s streaming reads; CPU for a token.`,
    "",
    "| model | file | test | tokens/s | GB/s | of the reads | CPU ms |",
    "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ...rows.map((row) => `| ${cells(row).join(" | ")} |`),
    "",
  ];
}

function cells(row: BenchRow): string[] {
  const { read_gb_s, stream_fraction, cpu_ms } = row;
  const isFirst = row.n_prompt > 0 && row.n_gen > 0;
  return [
    row.model_type,
    row.model_filename,
    row.test,
    isFirst
      ? `${(row.p50_ns / 1e6).toFixed(1)} ms`
      : `${row.avg_ts.toFixed(1)} ± ${row.stddev_ts.toFixed(1)}`,
    read_gb_s?.toFixed(1) ?? "",
    stream_fraction === null ? "" : `${(100 * stream_fraction).toFixed(0)} %`,
    cpu_ms?.toFixed(2) ?? "",
  ];
}

/**
 * Writes where the GPU's time goes, by stage.
 *
 * @param profiles The lines of `bench --profile -o jsonl`.
 * @returns Lines of Markdown.
 */
export function reportProfiles(profiles: readonly ModelProfile[]): string[] {
  if (profiles.length === 0) return [];
  return [
    "## GPU time of llama13b, Q4_0",
    "",
    ...profiles.flatMap(({ test, rows, depth, stages, ...profile }) => [
      `### ${
        test === "decode" ? `Decode at depth ${depth}` : `A prompt of ${rows}`
      }`,
      "",
      `${ms(profile.passSeconds)} ms in one pass, ${
        ms(profile.seconds)
      } ms kernel by kernel.`,
      "",
      "| stage | dispatches | ms | share | GB/s |",
      "| --- | ---: | ---: | ---: | ---: |",
      ...stages.map(({ name, dispatches, seconds, share, readBytes }) => {
        const rate = readBytes === undefined
          ? ""
          : (readBytes / seconds / 1e9).toFixed(1);
        const percent = `${(100 * share).toFixed(1)} %`;
        return `| ${
          [name, dispatches, ms(seconds), percent, rate].join(" | ")
        } |`;
      }),
      "",
    ]),
  ];
}

function ms(seconds: number): string {
  return (seconds * 1000).toFixed(3);
}
