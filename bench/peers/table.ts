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
 * Writes the medians, and Seraph's as multiples of each peer's, as Markdown.
 *
 * @param comparison What was measured.
 * @param tests The rows.
 * @returns The text, with the devices above the table.
 */
export function formatComparison(
  { model, engines, sameDevice }: Comparison,
  tests: readonly Test[],
): string {
  const [seraph, ...peers] = engines;
  const header = [
    "tokens/s",
    ...engines.map(({ engine }) => engine),
    ...peers.map(({ engine }) => `Seraph / ${engine}`),
  ];
  const rows = tests.map((test) => {
    const name = testName(test);
    const medianOf = ({ samplesTs }: Measured) => {
      const samples = samplesTs[name] ?? [];
      return samples.length === 0 ? NaN : median(samples);
    };
    const own = seraph === undefined ? NaN : medianOf(seraph);
    return [
      name,
      ...engines.map((engine) => cell(medianOf(engine), 1)),
      ...peers.map((peer) => cell(own / medianOf(peer), 2)),
    ];
  });
  const rule = header.map((_, i) => i === 0 ? "---" : "---:");
  return [
    `## ${model}`,
    "",
    ...engines.map(({ engine, device, error }) =>
      `- ${engine}: ${device ?? "device not known"}` +
      (error === undefined ? "" : `; failed: ${error}`)
    ),
    ...(sameDevice ? [] : ["- not the same device: the ratios say nothing"]),
    "",
    ...[header, rule, ...rows].map((cells) => `| ${cells.join(" | ")} |`),
  ].join("\n");
}

function cell(value: number, digits: number): string {
  return Number.isNaN(value) ? "-" : value.toFixed(digits);
}
