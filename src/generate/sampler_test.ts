import {
  assert,
  assertEquals,
  assertLess,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import { seeded } from "../../tests/gguf_mutate.ts";
import { softmax } from "../kernels/oracle.ts";
import { chiSquared, chiSquaredLimit } from "../../tests/statistics.ts";
import { readSampling, Sampler, type SamplingOptions } from "./sampler.ts";

const LOGITS = Float32Array.of(2, 1.5, 0, -1, 1.5, 0.5, -3, 1, 1, -8);

function createSampler(options: SamplingOptions, history?: number[]): Sampler {
  return new Sampler(readSampling(options), history);
}

/** How often each token is drawn. */
function histogram(
  logits: Float32Array,
  options: SamplingOptions,
  draws: number,
): number[] {
  const sampler = createSampler({ seed: 5, ...options });
  const counts = new Array<number>(logits.length).fill(0);
  for (let i = 0; i < draws; i++) counts[sampler.sample(logits, i)]!++;
  return counts;
}

/** Asserts that tokens are drawn by `softmax(logits / temperature)` among `ids`. */
function assertDistribution(options: SamplingOptions, ids: number[]): void {
  const { temperature = 1 } = options;
  const draws = 40000;
  const counts = histogram(LOGITS, { temperature, ...options }, draws);
  const drawn = counts.flatMap((count, id) => count > 0 ? [id] : []);
  const rare = new Set([6, 9]); // may be missing by chance
  assertEquals(
    drawn.filter((id) => !rare.has(id)),
    ids.filter((id) => !rare.has(id)),
  );
  const kept = softmax(ids.map((id) => LOGITS[id]! / temperature));
  const probabilities = Array.from(LOGITS, () => 0);
  ids.forEach((id, i) => probabilities[id] = kept[i]!);
  assertLess(
    chiSquared(counts, probabilities),
    chiSquaredLimit(Math.max(1, ids.length - 1)),
  );
}

Deno.test("sample() takes the best token when the temperature is 0", () => {
  const sampler = createSampler({ topK: 3, topP: 0.5, minP: 0.1 });
  assertEquals(sampler.sample(LOGITS, 0), 0);
  assertEquals(sampler.sample(Float32Array.of(1, 7, 7, 2), 9), 1);
});

const ALL = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
for (const temperature of [1, 0.5, 2, 10]) {
  Deno.test(`sample() draws from the softmax at temperature ${temperature}`, () => {
    assertDistribution({ temperature }, ALL);
  });
}

Deno.test("sample() keeps exactly the best topK, the lower id among equals", () => {
  assertDistribution({ topK: 1 }, [0]);
  assertDistribution({ topK: 2 }, [0, 1]);
  assertDistribution({ topK: 3 }, [0, 1, 4]);
  assertDistribution({ topK: 4 }, [0, 1, 4, 7]);
  assertDistribution({ topK: 0 }, ALL);
  assertDistribution({ topK: 100 }, ALL);
});

Deno.test("sample() keeps the fewest tokens that make up topP", () => {
  const p = softmax(LOGITS);
  const best = [0, 1, 4, 7, 8, 5];
  let sum = 0;
  for (const [i, id] of best.entries()) {
    const kept = best.slice(0, i + 1).sort((a, b) => a - b);
    assertDistribution({ topP: sum + p[id]! * 0.9 }, kept);
    sum += p[id]!;
  }
  assertDistribution({ topP: 0 }, [0]);
  assertDistribution({ topP: 1 }, ALL);
});

Deno.test("sample() keeps all tokens from minP times the best one on", () => {
  const share = (id: number) => Math.exp(LOGITS[id]! - LOGITS[0]!);
  assertDistribution({ minP: 1 }, [0]);
  assertDistribution({ minP: share(1) - 1e-6 }, [0, 1, 4]);
  assertDistribution({ minP: share(1) + 1e-6 }, [0]);
  assertDistribution({ minP: share(7) - 1e-6 }, [0, 1, 4, 7, 8]);
  assertDistribution({ minP: 0 }, ALL);
});

Deno.test("sample() keeps all equals when minP is 1", () => {
  const counts = histogram(Float32Array.of(4, 1, 4, 4), {
    temperature: 1,
    minP: 1,
  }, 300);
  assertEquals(counts[1], 0);
  assert(counts[0]! > 50 && counts[2]! > 50 && counts[3]! > 50, `${counts}`);
});

Deno.test("sample() filters by the model's distribution, whatever the temperature", () => {
  // 0.9 of the probability at temperature 1, not at 3.
  const p = softmax(LOGITS);
  const topP = p[0]! + p[1]! * 1.1;
  assertDistribution({ topP, temperature: 3 }, [0, 1, 4]);
  assertDistribution({ minP: 0.5, temperature: 3 }, [0, 1, 4]);
});

Deno.test("sample() takes topP of what topK leaves, and minP of that", () => {
  const among = softmax([2, 1.5, 1.5]); // tokens 0, 1 and 4
  const topP = among[0]! + among[1]! * 0.9;
  assertDistribution({ topK: 3, topP }, [0, 1]);
  assertDistribution({ topK: 3, topP: 0.999, minP: 0.3 }, [0, 1, 4]);
  assertDistribution({ topK: 3, minP: 0.9 }, [0]);
});

Deno.test("sample() keeps what a sort of a large vocabulary keeps by topP", () => {
  const random = seeded(3);
  const logits = Float32Array.from({ length: 600 }, () => random() * 4);
  const order = [...logits.keys()].sort((a, b) =>
    logits[b]! - logits[a]! || a - b
  );
  const p = softmax(logits);
  for (const count of [1, 63, 64, 65, 513]) {
    const sum = order.slice(0, count).reduce((sum, id) => sum + p[id]!, 0);
    const kept = order.slice(0, count);
    const counts = histogram(logits, {
      temperature: 100, // all that is kept is drawn
      topP: sum - 1e-7,
    }, count * 15);
    const drawn = counts.flatMap((n, id) => n > 0 ? [id] : []);
    assertEquals(drawn, kept.sort((a, b) => a - b));
  }
});

Deno.test("sample() depends on seed and step alone", () => {
  const draw = (seed: number, step: number) =>
    createSampler({ temperature: 1, seed }).sample(LOGITS, step);
  const run = (seed: number) =>
    Array.from({ length: 50 }, (_, step) => draw(seed, step));
  assertEquals(run(1), run(1));
  assertNotEquals(run(1), run(2));
  const sampler = createSampler({ temperature: 1, seed: 1 });
  sampler.sample(LOGITS, 40);
  assertEquals(sampler.sample(LOGITS, 3), draw(1, 3));
});

Deno.test("readSampling() chooses a seed and tells it", () => {
  const seeds = new Set(
    Array.from({ length: 20 }, () => readSampling({ temperature: 1 }).seed),
  );
  assert(seeds.size > 15);
  assertEquals(readSampling({ temperature: 1, seed: 0 }).seed, 0);
  // Where nothing is left to chance, there is none to tell.
  assertEquals(readSampling({ seed: 1 }).seed, undefined);
});

Deno.test("readSampling() refuses options out of their ranges", () => {
  const wrong: [keyof SamplingOptions, number[]][] = [
    ["temperature", [-1, NaN, Infinity]],
    ["topK", [-1, 1.5, NaN, 2 ** 32]],
    ["topP", [-0.1, 1.1, NaN]],
    ["minP", [-0.1, 1.1, NaN]],
    ["repeatPenalty", [0, -1, NaN, Infinity]],
    ["frequencyPenalty", [NaN, Infinity, -1e7]],
    ["presencePenalty", [NaN, Infinity, -1e7]],
    ["repeatLastN", [-2, 0.5, NaN, 2 ** 32]],
    ["seed", [-1, 0.5, 2 ** 32, NaN]],
  ];
  for (const [name, values] of wrong) {
    for (const value of values) {
      assertThrows(
        () => readSampling({ [name]: value }),
        RangeError,
        `Cannot sample: ${name} is ${value}, `,
      );
    }
  }
});

Deno.test("sample() penalizes the last tokens by llama.cpp's formula", () => {
  const logits = Float32Array.of(2, 1.5, -1, 1, 0);
  const penalties: [SamplingOptions, number[], number[]][] = [
    [{ repeatPenalty: 2 }, [0, 2, 0], [1, 1.5, -2, 1, 0]],
    [{ frequencyPenalty: 0.5 }, [0, 2, 0], [1, 1.5, -1.5, 1, 0]],
    [{ presencePenalty: 0.5 }, [0, 2, 0], [1.5, 1.5, -1.5, 1, 0]],
    [
      { repeatPenalty: 2, frequencyPenalty: 0.25, presencePenalty: 1 },
      [0, 2, 0],
      [-0.5, 1.5, -3.25, 1, 0],
    ],
    [{ repeatPenalty: 2, repeatLastN: 2 }, [0, 0, 1, 4], [2, 0.75, -1, 1, 0]],
    [{ repeatPenalty: 2, repeatLastN: 0 }, [0, 1], [2, 1.5, -1, 1, 0]],
  ];
  for (const [options, history, expected] of penalties) {
    const counts = new Array<number>(logits.length).fill(0);
    const draws = 20000;
    for (let step = 0; step < draws; step++) {
      const sampler = createSampler(
        { temperature: 1, seed: 3, ...options },
        history,
      );
      counts[sampler.sample(logits, step)]!++;
    }
    assertLess(chiSquared(counts, [...softmax(expected)]), chiSquaredLimit(4));
  }
});

Deno.test("sample() penalizes what it chose, until it is long ago", () => {
  const logits = Float32Array.of(3, 2.9, 2.8, 0);
  const options = { frequencyPenalty: 1, repeatLastN: 2 };
  const sampler = createSampler(options);
  const ids = Array.from({ length: 7 }, (_, i) => sampler.sample(logits, i));
  assertEquals(ids, [0, 1, 2, 0, 1, 2, 0]);
});

Deno.test("sample() refuses a NaN, wherever it stands", () => {
  for (const at of [0, 1, 3]) {
    const logits = Float32Array.of(1, 2, 3, 4);
    logits[at] = NaN;
    for (const temperature of [0, 1]) {
      const sampler = createSampler({ temperature });
      assertThrows(() => sampler.sample(logits, 0), Error, "NaN");
    }
  }
});
