/**
 * Measures how much several generations at the same time say together, in turns:
 * their steps run in one pass.
 *
 *     deno run -A bench/batch.ts [MODEL] [--json]
 *
 * @module
 */

import { loadModel, type Model } from "../mod.ts";

/** Generations at the same time: steps run together up to 8. */
const COUNTS = [1, 2, 4, 8, 16];
const TOKENS = 64;
const TURNS = 5;

/** Tokens a second of so many generations together. */
async function measure(model: Model, count: number): Promise<number> {
  const start = performance.now();
  await Promise.all(
    Array.from(
      { length: count },
      (_, i) =>
        model.generate(`${i}: once upon a time`, {
          maxTokens: TOKENS,
          ignoreEos: true,
        }).result(),
    ),
  );
  return 1000 * count * TOKENS / (performance.now() - start);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

if (import.meta.main) {
  const [
    path = new URL("../models/tiny-archangel-q8_0.gguf", import.meta.url),
  ] = Deno.args.filter((arg) => !arg.startsWith("--"));
  await using model = await loadModel(path, {
    keptCaches: Math.max(...COUNTS),
  });
  const rates = COUNTS.map((): number[] => []);
  for (const count of COUNTS) await measure(model, count); // warms up
  for (let turn = 0; turn < TURNS; turn++) {
    for (const [i, count] of COUNTS.entries()) {
      rates[i]!.push(await measure(model, count));
    }
  }
  const medians = rates.map(median);
  const rows = COUNTS.map((count, i) => ({
    generations: count,
    tokensPerSecond: Number(medians[i]!.toFixed(1)),
    timesOne: Number((medians[i]! / medians[0]!).toFixed(2)),
  }));
  const text = Deno.args.includes("--json")
    ? JSON.stringify({ device: model.device, tokens: TOKENS, rows }, null, 2)
    : [
      `${path} on ${model.device}: ${TOKENS} tokens each, medians of ${TURNS}`,
      ...rows.map((row) =>
        `${row.generations} at once: ${row.tokensPerSecond} tokens/s, ${row.timesOne} times one`
      ),
    ].join("\n");
  await Deno.stdout.write(new TextEncoder().encode(`${text}\n`));
}
