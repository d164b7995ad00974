// What scoring many continuations of one prefix costs, in runs of the prefix and
// one continuation: both in turns, so that a busy machine slows both.
//
//   deno run -A bench/score.ts [model.gguf] [--prefix 500] [--count 64]
//     [--tokens 1,2,4,8] [--rounds 9] [--context N]

import { parseArgs } from "node:util";
import { writeLine } from "../cli/output.ts";
import { loadModel } from "../mod.ts";
import { summarize } from "../src/bench/statistics.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    prefix: { type: "string", default: "500" },
    count: { type: "string", default: "64" },
    tokens: { type: "string", default: "1,2,4,8" },
    rounds: { type: "string", default: "9" },
    context: { type: "string" },
  },
});
const file = positionals[0] ?? "models/tiny-archangel-q8_0.gguf";
const length = Number(values.prefix);
const count = Number(values.count);

const { context } = values;

await using model = await loadModel(file, {
  ...(context !== undefined && { contextLength: Number(context) }),
});
const size = model.tokenizer.size;
const random = (seed: number) => 3 + (seed * 7919 + 13) % (size - 3);
const prefix = Array.from({ length }, (_, i) => i === 0 ? 1 : random(i));

/** Milliseconds that something takes. */
async function time(fn: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await fn();
  return performance.now() - start;
}

writeLine(`${file} on ${model.device}, prefix of ${length}`);
for (const tokens of values.tokens.split(",").map(Number)) {
  const continuations = Array.from(
    { length: count },
    (_, i) => Array.from({ length: tokens }, (_, j) => random(i * 31 + j + 7)),
  );
  const [first] = continuations;
  const whole = [...prefix, ...first!.slice(0, -1)];
  const runs = {
    // The prompt alone, the last token's choice with it.
    generate: () =>
      model.generate(whole, { maxTokens: 1, reuse: false }).result(),
    one: () => model.score(prefix, [first!], { reuse: false }),
    // All tokens of the text, whose logits are read back.
    text: () => model.score([...prefix, ...first!]),
    all: () => model.score(prefix, continuations, { reuse: false }),
    kept: () => model.score(prefix, continuations),
  };
  const taken: Record<string, number[]> = {};
  for (let round = -1; round < Number(values.rounds); round++) {
    for (const [name, run] of Object.entries(runs)) {
      const ms = await time(run);
      if (round >= 0) (taken[name] ??= []).push(ms);
    }
  }
  const ms = (name: string) => summarize(taken[name]!).median;
  const text = (name: string) => `${name} ${ms(name).toFixed(1)} ms`;
  writeLine(
    `${count} x ${tokens} tokens: ${
      Object.keys(runs).map(text).join(", ")
    }; all / generate ${(ms("all") / ms("generate")).toFixed(2)}, all / one ${
      (ms("all") / ms("one")).toFixed(2)
    }, all / text ${(ms("all") / ms("text")).toFixed(2)}`,
  );
}
