import { assertAlmostEquals, assertEquals } from "@std/assert";
import {
  NO_SCALING,
  ropeFrequencies,
  type RopeFrequencyOptions,
  ropeMagnitude,
  type RopeScaling,
} from "./rope_scaling.ts";

function near(actual: number | undefined, expected: number): void {
  assertAlmostEquals(actual! / expected, 1, 1e-12);
}

/** What each frequency is divided by. */
function divisors(
  options: Omit<RopeFrequencyOptions, "scaling"> & {
    scaling: Partial<RopeScaling>;
  },
): number[] {
  const plain = ropeFrequencies({ dims: options.dims, base: options.base });
  const scaling = { ...NO_SCALING, ...options.scaling };
  const scaled = ropeFrequencies({ ...options, scaling });
  return Array.from(plain, (frequency, i) => frequency / scaled[i]!);
}

const LLAMA_2 = { dims: 128, base: 10000 };
const YARN: RopeScaling = {
  ...NO_SCALING,
  type: "yarn",
  factor: 16,
  originalContext: 4096,
};

// Calculated apart from this code, by the paper's own implementation's steps:
// between pairs 20 and 46 a ramp.
const YARN_DIVISORS: readonly [pair: number, divisor: number][] = [
  [0, 1],
  [20, 1],
  [21, 1.0374064837905237],
  [33, 1.8823529411764706],
  [45, 10.146341463414638],
  [46, 16],
  [63, 16],
];

Deno.test("ropeFrequencies() stretches Llama 2 to 64k as YaRN does", () => {
  const actual = divisors({ ...LLAMA_2, scaling: YARN });
  for (const [pair, divisor] of YARN_DIVISORS) near(actual[pair], divisor);
  const frequencies = ropeFrequencies({ ...LLAMA_2, scaling: YARN });
  near(frequencies[33], 0.004600435467850347);
  near(frequencies[63], 7.217387404309114e-06);
});

Deno.test("ropeFrequencies() of YaRN spares frequencies by the extension factor", () => {
  const scaling = { ...YARN, extensionFactor: 0.5 };
  // Half of what is spared, and half divided: 1 / (1/2 + 1/32).
  near(divisors({ ...LLAMA_2, scaling })[0], 1 / (0.5 + 0.5 / 16));
  const linear = { ...YARN, extensionFactor: 0 };
  for (const divisor of divisors({ ...LLAMA_2, scaling: linear })) {
    near(divisor, 16);
  }
});

Deno.test("ropeFrequencies() of YaRN has a step where its turns are as good as equal", () => {
  const scaling = { ...YARN, betaFast: 8, betaSlow: 8 };
  const actual = divisors({ ...LLAMA_2, scaling });
  // 4096 / (8 * 2 pi) = 81.5 positions a radian: pair 30.6 of 10000^(i / 64).
  assertEquals(actual.slice(0, 31).map(Math.round), Array(31).fill(1));
  for (const divisor of actual.slice(31)) near(divisor, 16);
});

Deno.test("ropeFrequencies() gives Llama 3.1 the divisors of its files", () => {
  const actual = divisors({
    dims: 128,
    base: 500_000,
    scaling: { type: "llama3", factor: 8, originalContext: 8192 },
  });
  const slow = [
    1.207483871283662,
    1.5534146285049255,
    2.0263132059050557,
    2.6945296878947333,
    3.684252527745718,
    5.257326588708467,
  ];
  const expected = [
    ...Array<number>(29).fill(1),
    ...slow,
    ...Array<number>(29).fill(8),
  ];
  for (const [pair, divisor] of expected.entries()) near(actual[pair], divisor);
});

Deno.test("ropeFrequencies() of llama3 has a step where its factors are equal", () => {
  const scaling = { lowFrequencyFactor: 2, highFrequencyFactor: 2 };
  const actual = divisors({
    dims: 8,
    base: 10000,
    // They turn 15.9, 1.59, 0.159 and 0.0159 times.
    scaling: { ...scaling, type: "llama3", factor: 4, originalContext: 100 },
  });
  assertEquals(actual.map((x) => Math.round(1e9 * x) / 1e9), [1, 4, 4, 4]);
});

Deno.test("ropeFrequencies() of NTK divides the slowest by the factor", () => {
  const scaling: RopeScaling = { ...NO_SCALING, type: "ntk", factor: 8 };
  const frequencies = ropeFrequencies({ ...LLAMA_2, scaling });
  near(frequencies[0], 1);
  near(frequencies[5], 0.41288222980185274);
  near(frequencies[63], 1.4434774808618228e-05);
  // The same as a base of 10000 * 8^(128 / 126).
  const based = ropeFrequencies({ dims: 128, base: 82684.62264056221 });
  for (const [pair, frequency] of based.entries()) {
    near(frequencies[pair], frequency);
  }
  assertEquals([...ropeFrequencies({ dims: 2, base: 10000, scaling })], [1]);
});

Deno.test("ropeFrequencies() takes the file's divisors first", () => {
  const frequencyFactors = [1, 2, 3, 4];
  for (const type of ["none", "longrope"] as const) {
    const scaling = { type, factor: 7 };
    const actual = divisors({
      dims: 8,
      base: 10000,
      frequencyFactors,
      scaling,
    });
    for (const [i, divisor] of actual.entries()) near(divisor, i + 1);
  }
  const scaling = { type: "linear", factor: 5 } as const;
  const actual = divisors({ dims: 8, base: 100, frequencyFactors, scaling });
  for (const [i, divisor] of actual.entries()) near(divisor, 5 * (i + 1));
});

Deno.test("ropeMagnitude() grows by the logarithm of YaRN's factor", () => {
  near(ropeMagnitude(YARN), 1.2772588722239782);
  near(
    ropeMagnitude({ ...YARN, attentionFactor: 2 }),
    2 * 1.2772588722239782,
  );
  assertEquals(ropeMagnitude({ ...YARN, factor: 0.5 }), 1);
  assertEquals(ropeMagnitude({ ...YARN, logMultiplier: 1 }), 1);
  near(
    ropeMagnitude({ ...YARN, logMultiplier: 0.5 }),
    1.2772588722239782 / 1.1386294361119891,
  );
  assertEquals(ropeMagnitude({ ...YARN, extensionFactor: 0 }), 1);
});

Deno.test("ropeMagnitude() is the attention factor in other ways", () => {
  for (const type of ["none", "linear", "ntk", "llama3", "longrope"] as const) {
    const scaling = { ...YARN, type, attentionFactor: 1.25 };
    assertEquals(ropeMagnitude(scaling), 1.25);
  }
});
