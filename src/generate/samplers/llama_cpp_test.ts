import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { Candidates } from "./candidates.ts";
import { applyDry, type Breakers } from "./dry.ts";
import { applyMinP } from "./min_p.ts";
import { applyPenalties } from "./penalties.ts";
import { readSampling } from "../sampler.ts";
import { applyTemperature } from "./temperature.ts";
import { applyTopK } from "./top_k.ts";
import { applyTopNSigma } from "./top_n_sigma.ts";
import { applyTopP } from "./top_p.ts";
import { applyTypicalP } from "./typical_p.ts";
import { applyXtc } from "./xtc.ts";

// The probabilities that tests/test-sampling.cpp of llama.cpp expects.

const { fround } = Math;
const UP = [0.1, 0.2, 0.3, 0.4];
const DOWN = [0.4, 0.3, 0.2, 0.1];
const EQUAL = [0.2, 0.2, 0.2, 0.2, 0.2];

function candidatesOf(probabilities: readonly number[]): Candidates {
  return new Candidates(Float32Array.from(probabilities, (p) => Math.log(p)));
}

interface Case {
  name: string;
  from: number[];
  apply: (candidates: Candidates) => void;
  /** Probabilities of what is left, in this order. */
  expected: number[];
}

function testCases(cases: readonly Case[]): void {
  for (const { name, from, apply, expected } of cases) {
    Deno.test(`${name} gives what llama.cpp expects of [${from}]`, () => {
      const candidates = candidatesOf(from);
      apply(candidates);
      const actual = candidates.probabilities();
      assertEquals(actual.length, expected.length);
      for (const [i, p] of actual.entries()) {
        assertAlmostEquals(p, expected[i]!, 1e-5);
      }
    });
  }
}

/** What is left, as llama.cpp has it where it does not add up to 1 again. */
function normalized(probabilities: readonly number[]): number[] {
  const sum = probabilities.reduce((a, b) => a + b);
  return probabilities.map((p) => p / sum);
}

testCases(
  [[1, UP], [0, [0, 0, 0, 1]]].flatMap(([temperature, expected]) =>
    [0, 1].map((exponent): Case => ({
      name: `applyTemperature() at ${temperature}, exponent ${exponent}`,
      from: UP,
      apply: (candidates) =>
        applyTemperature(candidates, {
          temperature: temperature as number,
          range: 0,
          exponent,
        }),
      expected: expected as number[],
    }))
  ),
);

testCases(
  ([
    [1, [1]],
    [3, [0.44444, 0.33333, 0.22222]],
    [4, DOWN],
    [0, UP],
  ] as [number, number[]][]).map(([k, expected]) => ({
    name: `applyTopK() of ${k}`,
    from: UP,
    apply: (candidates) => applyTopK(candidates, k),
    expected,
  })),
);

testCases(
  ([
    [0, [1]],
    [0.7, [0.571429, 0.428571]],
    [0.8, [0.44444, 0.33333, 0.22222]],
    [1, UP],
  ] as [number, number[]][]).map(([p, expected]) => ({
    name: `applyTopP() of ${p}`,
    from: UP,
    apply: (candidates) => applyTopP(candidates, p, 0),
    expected,
  })),
);

testCases(
  ([
    [0, UP],
    [0.24, UP],
    [0.26, normalized([0.2, 0.3, 0.4])],
    [0.49, normalized([0.2, 0.3, 0.4])],
    [0.51, normalized([0.3, 0.4])],
    [0.74, normalized([0.3, 0.4])],
    [0.76, [1]],
    [1, [1]],
    [1.05, [1]],
  ] as [number, number[]][]).map(([p, expected]) => ({
    name: `applyMinP() of ${p}`,
    from: UP,
    apply: (candidates) => applyMinP(candidates, p, 0),
    expected,
  })),
);

testCases(
  ([
    [0.09, [0.1]],
    [0.19, [0.2, 0.1]],
    [0.29, [0.3, 0.2, 0.1]],
    [0.39, DOWN],
  ] as [number, number[]][]).map(([threshold, expected]) => ({
    name: `applyXtc() from ${threshold} on`,
    from: DOWN,
    apply: (candidates) =>
      applyXtc(candidates, {
        probability: 0.99,
        threshold,
        minKeep: 0,
        chance: 0.5,
      }),
    expected: normalized(expected),
  })),
);

testCases([
  {
    name: "applyTypicalP() of 0.5",
    from: [0.97, 0.01, 0.01, 0.01],
    apply: (candidates) => applyTypicalP(candidates, 0.5, 0),
    expected: [1],
  },
  {
    name: "applyTypicalP() of 0.5",
    from: [0.4, 0.2, 0.2, 0.2],
    apply: (candidates) => applyTypicalP(candidates, 0.5, 0),
    expected: normalized([0.2, 0.2, 0.2]),
  },
]);

testCases(
  ([
    [1, [0, 0, 0.428571, 0.571429]],
    [0, UP],
    [3, UP],
  ] as [number, number[]][]).map(([n, expected]) => ({
    name: `applyTopNSigma() of ${n}`,
    from: UP,
    apply: (candidates) => applyTopNSigma(candidates, n),
    expected,
  })),
);

const LAST = [[0], [0, 1, 2], [0, 1, 2, 0, 0]];
testCases(
  ([
    [0, 50, 0, [0, 0.25, 0.25, 0.25, 0.25]],
    [1, 50, 0, [0, 0, 0, 0.5, 0.5]],
    [2, 50, 0, [0, 0, 0, 0.5, 0.5]],
    [0, 1, 5, [0.000011, 0.249997, 0.249997, 0.249997, 0.249997]],
    [1, 1, 5, [0.000023, 0.000023, 0.000023, 0.499966, 0.499966]],
    [2, 1, 5, [0, 0.000023, 0.000023, 0.499977, 0.499977]],
  ] as [number, number, number, number[]][]).map(
    ([last, repeat, alpha, expected]) => ({
      name: `applyPenalties() (${repeat}, ${alpha}) of [${LAST[last]}]`,
      from: EQUAL,
      apply: (candidates) => {
        const ids = LAST[last]!;
        const { rule } = readSampling({
          repeatPenalty: repeat,
          frequencyPenalty: alpha,
          presencePenalty: alpha,
          repeatLastN: ids.length,
        });
        const counts = new Map(
          ids.map((id) => [id, ids.filter((one) => one === id).length]),
        );
        applyPenalties(candidates, rule, counts);
      },
      expected,
    }),
  ),
);

interface Dry {
  from: number[];
  text: number[];
  expected: number[];
  multiplier?: number;
  allowedLength?: number;
  breakers?: Breakers;
}

const FOUR = [0.25, 0.25, 0.25, 0.25];
testCases(
  ([
    { from: FOUR, text: [0, 1], expected: FOUR },
    {
      from: FOUR,
      text: [0, 1, 2, 0, 1],
      expected: [0.296923, 0.296923, 0.109232, 0.296923],
    },
    {
      from: EQUAL,
      text: [0, 1, 3, 4, 0, 1],
      expected: EQUAL,
      breakers: new Map([[3, [[]]]]),
    },
    {
      from: EQUAL,
      text: [0, 1, 2, 0, 1],
      expected: [0.241818, 0.241818, 0.032727, 0.241818, 0.241818],
      multiplier: 2,
    },
    {
      from: EQUAL,
      text: [0, 1, 2, 3, 4, 0, 1],
      expected: EQUAL,
      allowedLength: 4,
    },
  ] satisfies Dry[] as Dry[]).map((
    { from, text, expected, breakers = new Map(), ...rest },
  ) => ({
    name: `applyDry() of the text [${text}]`,
    from,
    apply: (candidates) =>
      applyDry(candidates, text, {
        multiplier: 1,
        base: 1.1,
        allowedLength: 2,
        breakers,
        ...rest,
      }),
    expected,
  })),
);

// Of 10000 tokens with the probabilities 0, 1, 2 ..., those that are left.
const SIZE = 10000;

/** The lowest id that is left; all above it are. */
const LOWEST: Record<
  string,
  (lowest: number, queue: { k: number; p: number; m: number }) => number
> = {
  k: (lowest, { k }) => Math.max(lowest, SIZE - k),
  p: (lowest, { p }) => {
    const total = SIZE * (SIZE - 1) / 2 - lowest * (lowest - 1) / 2;
    const wanted = Math.ceil(fround(fround(p) * total));
    let id = SIZE;
    let sum = 0;
    do sum += --id; while (sum < wanted);
    // What has no probability comes along with the rest.
    return id === 1 ? 0 : id;
  },
  m: (lowest, { m }) =>
    Math.min(Math.max(1, Math.floor(fround(m) * SIZE), lowest), SIZE - 1),
};

const QUEUES: [order: string, k: number, p: number, m: number][] = [
  ["k", 10000, 1, 1],
  ["k", 1, 1, 1],
  ["p", 10000, 1, 1],
  ["p", 10000, 0, 1],
  ["m", 10000, 1, 1],
  ["m", 10000, 1, 1e-12],
  ["k", 100, 1, 1],
  ["p", 10000, 0.0003, 1],
  ["p", 10000, 0.8, 1],
  ["m", 10000, 1, 9997.9 / 9999],
  ["m", 10000, 1, 0.1],
  ["mp", 100, 0.8, 9997.9 / 9999],
  ...["kp", "km", "pk", "pm", "mk", "mp"].map((order) =>
    [order, 100, 0.8, 0.1] as [string, number, number, number]
  ),
  ...["kpm", "kmp", "pkm", "pmk", "mkp", "mpk"].map((order) =>
    [order, 100, 0.8, 0.1] as [string, number, number, number]
  ),
];

for (const [order, k, p, m] of QUEUES) {
  Deno.test(`samplers in the order ${order} leave what llama.cpp's do (${k}, ${p}, ${m})`, () => {
    const logits = Float32Array.from({ length: SIZE }, (_, id) => Math.log(id));
    const candidates = new Candidates(logits);
    let lowest = 0;
    for (const name of order) {
      if (name === "k") applyTopK(candidates, k);
      if (name === "p") applyTopP(candidates, p, 1);
      if (name === "m") applyMinP(candidates, m, 1);
      // A top-p of 1 leaves all as it is.
      if (name !== "p" || p < 1) lowest = LOWEST[name]!(lowest, { k, p, m });
      assertEquals(candidates.size, SIZE - lowest, name);
      const ids = candidates.ids.toSorted();
      assertEquals([ids[0], ids.at(-1)], [lowest, SIZE - 1], name);
      if (!candidates.isSorted) continue;
      assert(
        candidates.ids[0] === SIZE - 1 && candidates.ids.at(-1) === lowest,
      );
    }
  });
}
