import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertLess,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import { seeded } from "../../../tests/gguf_mutate.ts";
import { readSampling, Sampler } from "../sampler.ts";
import type { SamplingOptions } from "./options.ts";

const SIZE = 500;

/** The logits of a step, as if a model went on from there. */
function logitsAt(step: number): Float32Array {
  const next = seeded(step + 1);
  return Float32Array.from({ length: SIZE }, (_, id) => {
    const zipf = -1.1 * Math.log(1 + (id * 7 + step * 13) % SIZE);
    return zipf + next();
  });
}

function idsOf(sampler: Sampler, from: number, to: number): number[] {
  return Array.from(
    { length: to - from },
    (_, i) => sampler.sample(logitsAt(from + i), from + i),
  );
}

const CHAINS: [string, SamplingOptions][] = [
  ["DRY", { temperature: 1, dryMultiplier: 1, dryAllowedLength: 1, topK: 3 }],
  ["XTC", { temperature: 1, xtcProbability: 0.5, xtcThreshold: 0.05 }],
  ["typical-p", { temperature: 1, typicalP: 0.6 }],
  ["top-n-sigma", { temperature: 1.5, topNSigma: 1.5 }],
  ["a dynamic temperature", { temperature: 0.8, dynatempRange: 0.5 }],
  ["mirostat 1", { temperature: 1, mirostat: 1, mirostatTau: 3 }],
  ["mirostat 2", { temperature: 0.9, mirostat: 2, mirostatTau: 3 }],
  ["another order", {
    temperature: 1.3,
    topP: 0.9,
    repeatPenalty: 1.3,
    repeatLastN: 7,
    samplers: ["temperature", "top_p", "penalties"],
  }],
  ["the preset for stories", { preset: "creative" }],
];

/** What the seed 1 gives behind `HISTORY`, on every machine. */
const CHOSEN: Record<string, number[]> = {
  "DRY": [0, 284, 425, 423, 64, 348, 489, 487, 128, 269, 410, 194],
  "XTC": [72, 70, 455, 14, 493, 348, 394, 489, 131, 484, 469, 271],
  "typical-p": [72, 70, 425, 4, 493, 348, 354, 489, 131, 269, 411, 271],
  "top-n-sigma": [0, 70, 425, 423, 64, 348, 275, 487, 128, 269, 339, 194],
  "a dynamic temperature": [
    72,
    487,
    455,
    14,
    493,
    348,
    394,
    489,
    128,
    269,
    469,
    271,
  ],
  "mirostat 1": [72, 284, 425, 423, 493, 348, 489, 487, 128, 269, 411, 194],
  "mirostat 2": [72, 70, 425, 423, 64, 348, 489, 489, 128, 269, 411, 194],
  "another order": [344, 70, 455, 14, 493, 215, 394, 365, 128, 88, 469, 271],
  "the preset for stories": [
    72,
    70,
    425,
    423,
    493,
    348,
    489,
    489,
    131,
    269,
    411,
    56,
  ],
};

const HISTORY = [3, 4, 5, 3, 4];

for (const [name, options] of CHAINS) {
  Deno.test(`sample() by ${name} depends on seed, text, step and state alone`, () => {
    const run = (seed: number) => {
      const sampler = new Sampler(readSampling({ ...options, seed }), HISTORY);
      return idsOf(sampler, 0, 40);
    };
    const ids = run(1);
    assertEquals(ids, run(1));
    assertEquals(ids.slice(0, 12), CHOSEN[name]);
    assertNotEquals(ids, run(2));

    // What goes on later from what is kept goes on as if it had not stopped.
    const sampling = readSampling({ ...options, seed: 1 });
    const first = new Sampler(sampling, HISTORY);
    idsOf(first, 0, 25);
    const text = [...HISTORY, ...ids.slice(0, 25)];
    const state = structuredClone(first.state);
    const second = new Sampler(sampling, text, state);
    assertEquals(idsOf(second, 25, 40), ids.slice(25));
  });
}

Deno.test("sample() chooses by samplers that change nothing as it does without", () => {
  const cases: SamplingOptions[] = [
    { temperature: 1 },
    { temperature: 1, topK: 40, repeatPenalty: 1.2 },
    { temperature: 1, minP: 0.05 },
    { temperature: 0, frequencyPenalty: 0.5 },
  ];
  for (const plain of cases) {
    const all = { ...plain, seed: 5 };
    const chained = { ...all, xtcProbability: 1e-9, dryMultiplier: 1e-9 };
    assertEquals(readSampling(all).uncovered, undefined);
    assertEquals(readSampling(chained).uncovered, "dryMultiplier");
    assertEquals(
      idsOf(new Sampler(readSampling(chained)), 0, 60),
      idsOf(new Sampler(readSampling(all)), 0, 60),
    );
  }
});

Deno.test("sample() takes another token where samplers come in another order", () => {
  // 0.5 of the probability is one token at temperature 1, and both at 9.
  const logits = Float32Array.of(1, 0.5);
  const drawn = (samplers: NonNullable<SamplingOptions["samplers"]>) => {
    const options = { temperature: 9, topP: 0.52, seed: 1, samplers };
    const sampler = new Sampler(readSampling(options));
    const ids = Array.from({ length: 50 }, (_, i) => sampler.sample(logits, i));
    return [...new Set(ids)].sort();
  };
  assertEquals(drawn(["topP", "temperature"]), [0]);
  assertEquals(drawn(["temperature", "topP"]), [0, 1]);
});

Deno.test("sample() takes the best token that the samplers leave when the temperature is 0", () => {
  const logits = Float32Array.from([0.5, 0.2, 0.15, 0.15], Math.log);
  const best = (options: SamplingOptions, history: number[] = []) => {
    const { seed, ...sampling } = readSampling(options);
    assertEquals(seed, undefined);
    return new Sampler({ seed, ...sampling }, history).sample(logits, 0);
  };
  assertEquals(best({ typicalP: 0.1 }), 1);
  assertEquals(best({ topNSigma: 1 }), 0);
  assertEquals(best({ xtcProbability: 1, xtcThreshold: 0.2 }), 1);
  const dry = { dryMultiplier: 2, dryAllowedLength: 1 };
  assertEquals(best(dry, [3, 0, 3]), 1);
  assertEquals(best(dry, [3, 2, 3]), 0);
  assertEquals(best({ ...dry, dryPenaltyLastN: 2 }, [3, 0, 3]), 0);
  assertEquals(best({ ...dry, dryPenaltyLastN: -1 }, [3, 0, 3]), 1);
});

Deno.test("sample() by samplers refuses what is no number, and where nothing is left", () => {
  const cases = [
    [NaN, 1, 2],
    [1, 2, NaN],
    [1, Infinity, 2],
    [-Infinity, -Infinity, -Infinity],
  ];
  for (const logits of cases) {
    for (const temperature of [0, 1]) {
      const options = { temperature, typicalP: 0.5 };
      const sampler = new Sampler(readSampling(options));
      const sample = () => sampler.sample(Float32Array.from(logits), 0);
      assertThrows(sample, Error, "NaN or infinity");
    }
  }
});

/** Lets the token of rank 100 be much less likely than the one before it. */
function withCliff(logits: Float32Array): Float32Array {
  const last = logits.toSorted().at(-99)!;
  return logits.map((logit) => logit < last ? logit - 6 : logit);
}

/** Mirostat's own numbers of one step, by the formulas of its paper. */
function mirostatStep(
  logits: Float32Array,
  { version, mu }: { version: number; mu: number },
): { kept: number[]; surpriseOf: (id: number) => number } {
  const ids = [...logits.keys()]
    .sort((a, b) => logits[b]! - logits[a]! || a - b);
  const weights = ids.map((id) => Math.exp(logits[id]! - logits[ids[0]!]!));
  const total = weights.reduce((a, b) => a + b);
  const p = weights.map((weight) => weight / total);
  let count: number;
  if (version === 1) {
    const t = Array.from({ length: 99 }, (_, i) => Math.log((i + 2) / (i + 1)));
    const b = t.map((_, i) => Math.log(p[i]! / p[i + 1]!));
    const s = t.reduce((sum, t, i) => sum + t * b[i]!, 0) /
      t.reduce((sum, t) => sum + t * t, 0);
    const epsilon = s - 1;
    const k = (epsilon * 2 ** mu / (1 - logits.length ** -epsilon)) ** (1 / s);
    count = Math.max(1, Math.min(Math.floor(k), ids.length));
  } else {
    count = Math.max(1, p.filter((p) => -Math.log2(p) <= mu).length);
  }
  const kept = ids.slice(0, count);
  const sum = p.slice(0, count).reduce((a, b) => a + b);
  const surpriseOf = (id: number) => -Math.log2(p[ids.indexOf(id)]! / sum);
  return { kept, surpriseOf };
}

for (const version of [1, 2] as const) {
  Deno.test(`sample() follows the formulas of mirostat ${version}`, () => {
    const options = { temperature: 1, mirostat: version, mirostatTau: 3.5 };
    const sampler = new Sampler(readSampling({ ...options, seed: 8 }));
    const sizes = new Set<number>();
    for (let step = 0; step < 150; step++) {
      const { mu } = sampler.state;
      const logits = withCliff(logitsAt(step));
      const { kept, surpriseOf } = mirostatStep(logits, { version, mu: mu! });
      const id = sampler.sample(logits, step);
      assert(kept.includes(id), `${id} in step ${step}`);
      sizes.add(kept.length);
      const expected = mu! - 0.1 * (surpriseOf(id) - 3.5);
      assertAlmostEquals(sampler.state.mu!, expected, 1e-6);
    }
    assertEquals(readSampling(options).settings.mirostatTau, 3.5);
    assertGreater(sizes.size, 5);
  });

  Deno.test(`sample() by mirostat ${version} keeps the surprise that is asked for`, () => {
    for (const tau of [2, 4]) {
      const options = { temperature: 1, mirostat: version, mirostatTau: tau };
      const sampler = new Sampler(readSampling({ ...options, seed: 3 }));
      let sum = 0;
      const steps = 1500;
      for (let step = 0; step < steps; step++) {
        const logits = logitsAt(step % 40);
        const mu = sampler.state.mu!;
        sampler.sample(logits, step);
        // mu' = mu - eta * (surprise - tau)
        sum += tau - (sampler.state.mu! - mu) / 0.1;
      }
      assertLess(Math.abs(sum / steps - tau), 0.15);
    }
  });
}

Deno.test("sample() by mirostat chooses among one token, equals, and few that are left", () => {
  const cases = [
    [[5], [0]],
    [[2, 2, 2, 2], [0, 1, 2, 3]],
    [[-Infinity, 1, -Infinity], [1]],
    [[-Infinity, 1, -Infinity, 1], [1, 3]],
  ];
  for (const [logits, possible] of cases) {
    for (const mirostat of [1, 2] as const) {
      for (const mirostatTau of [0, 0.1, 5, 1000]) {
        const options = { temperature: 1, mirostat, mirostatTau, seed: 2 };
        const sampler = new Sampler(readSampling(options));
        for (let step = 0; step < 20; step++) {
          const id = sampler.sample(Float32Array.from(logits!), step);
          assert(possible!.includes(id));
          assert(Number.isFinite(sampler.state.mu));
        }
      }
    }
  }
});
