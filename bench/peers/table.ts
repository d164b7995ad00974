import type { Test } from "./engines.ts";

/** What one engine did with one model. */
export interface Measured {
  /** The engine's name. */
  engine: string;
  /** The device that it said it used. */
  device?: string | undefined;
  /** Tokens a second of each run by test, such as `"pp64"`. */
  samplesTs: Record<string, number[]>;
  /** Why it stopped, where it did. */
  error?: string;
}

/** All engines with one model. */
export interface Comparison {
  /** Path of the GGUF file. */
  model: string;
  /** Seraph first. */
  engines: Measured[];
  /** What is left out, and why, a line each. */
  absent: string[];
  /** Whether Seraph and llama.cpp's Vulkan named the same device. */
  sameDevice: boolean;
}

/** llama-bench's name of a test: `"pp64"` or `"tg32"`. */
export function testName({ nPrompt, nGen }: Test): string {
  return nPrompt > 0 ? `pp${nPrompt}` : `tg${nGen}`;
}

/** The middle of some numbers, of which there is at least one. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? sorted[half]!
    : (sorted[half - 1]! + sorted[half]!) / 2;
}

/**
 * Writes the medians, and Seraph's as multiples of each peer's, as Markdown: a
 * line an engine and a line a ratio, in 80 columns with the tests of `compare.ts`.
 *
 * @param comparison What was measured.
 * @param tests The columns.
 * @returns The text, with the devices above the table.
 */
export function formatComparison(
  { model, engines, absent, sameDevice }: Comparison,
  tests: readonly Test[],
): string {
  const [seraph, ...peers] = engines;
  const medianOf = ({ samplesTs }: Measured, test: Test) => {
    const samples = samplesTs[testName(test)] ?? [];
    return samples.length === 0 ? NaN : median(samples);
  };
  const rows = [
    ["tokens/s", ...tests.map(testName)],
    ...engines.map((engine) => [
      engine.engine,
      ...tests.map((test) => cell(medianOf(engine, test), 1)),
    ]),
    ...peers.map((peer) => [
      `Seraph / ${peer.engine.replace(/^llama\.cpp /, "")}`,
      ...tests.map((test) => {
        const own = seraph === undefined ? NaN : medianOf(seraph, test);
        return cell(own / medianOf(peer, test), 2);
      }),
    ]),
  ];
  return [
    `## ${model}`,
    "",
    ...engines.map(({ engine, device, error }) =>
      `- ${engine}: ${device ?? "device not known"}` +
      (error === undefined ? "" : `; failed: ${error}`)
    ),
    ...absent.map((line) => `- ${line}`),
    ...(sameDevice ? [] : ["- not the same device: the ratios say nothing"]),
    "",
    ...layOut(rows),
  ].join("\n");
}

/** A table of columns as wide as they must be, all but the first for numbers. */
function layOut(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, i) =>
    Math.max(...rows.map((row) => row[i]!.length), 4)
  );
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const [head, ...body] = rows.map((row) =>
    line(
      row.map((text, i) =>
        i === 0 ? text.padEnd(widths[i]!) : text.padStart(widths[i]!)
      ),
    )
  );
  const rule = line(
    widths.map((width, i) =>
      i === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`
    ),
  );
  return [head!, rule, ...body];
}

function cell(value: number, digits: number): string {
  return Number.isNaN(value) ? "-" : value.toFixed(digits);
}
