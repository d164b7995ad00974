import { assertGreater, assertLess } from "@std/assert";
import { chiSquared, chiSquaredLimit } from "../../../tests/statistics.ts";
import { readSampling, Sampler } from "../sampler.ts";
import type { SamplingOptions } from "./options.ts";

// What is drawn, against the probabilities that a sampler leaves by its
// definition. That a test can fail shows what is close to it: it is refused.

const P = [0.3, 0.22, 0.16, 0.12, 0.08, 0.06, 0.04, 0.02];
const LOGITS = Float32Array.from(P, (p) => Math.log(p) + 3);
const DRAWS = 30000;

/** How often each token is drawn by a generation of one token. */
function histogram(options: SamplingOptions, history: number[]): number[] {
  const counts = P.map(() => 0);
  const sampling = readSampling({ seed: 11, ...options });
  for (let step = 0; step < DRAWS; step++) {
    counts[new Sampler(sampling, history).sample(LOGITS, step)]!++;
  }
  return counts;
}

/** The probabilities of some tokens, made 1 together. */
function keep(ids: number[], p: readonly number[] = P): number[] {
  const sum = ids.reduce((sum, id) => sum + p[id]!, 0);
  return p.map((one, id) => ids.includes(id) ? one / sum : 0);
}

/** The probabilities at a temperature. */
function heat(temperature: number, p: readonly number[] = P): number[] {
  return keep([...p.keys()], p.map((one) => one ** (1 / temperature)));
}

function mix(share: number, a: number[], b: number[]): number[] {
  return a.map((one, id) => share * one + (1 - share) * b[id]!);
}

const ALL = [...P.keys()];
const entropy = -P.reduce((sum, p) => sum + p * Math.log(p), 0);

interface Case {
  name: string;
  options: SamplingOptions;
  history?: number[];
  expected: number[];
  /** What a mistake would leave. */
  wrong: number[];
}

const CASES: Case[] = [
  {
    // Surprises 1.2, 1.51, 1.83, 2.12 around the entropy of 1.8.
    name: "typicalP",
    options: { temperature: 1, typicalP: 0.45 },
    expected: keep([1, 2, 3]),
    wrong: keep([0, 1]), // by top-p
  },
  {
    name: "typicalP and minKeep",
    options: { temperature: 1, typicalP: 0.1, minKeep: 4 },
    expected: keep([1, 2, 3, 0]),
    wrong: keep([1, 2, 3, 4]),
  },
  {
    name: "topNSigma",
    options: { temperature: 1, topNSigma: 1 },
    expected: keep(
      ALL.filter((id) => Math.log(P[id]! / P[0]!) >= -deviation()),
    ),
    wrong: keep(
      ALL.filter((id) => Math.log(P[id]! / P[0]!) >= -2 * deviation()),
    ),
  },
  {
    name: "topNSigma among tokens that are not banned",
    options: { temperature: 1, topNSigma: 1.5, bannedTokens: [6, 7] },
    expected: keep(
      ALL.filter((id) =>
        Math.log(P[id]! / P[0]!) >= -1.5 * deviation(P.slice(0, 6))
      ),
    ),
    wrong: keep([0, 1, 2, 3, 4, 5]),
  },
  {
    name: "xtc",
    options: { temperature: 1, xtcProbability: 0.4, xtcThreshold: 0.1 },
    expected: mix(0.4, keep([3, 4, 5, 6, 7]), P),
    wrong: mix(0.4, keep([4, 5, 6, 7]), P), // all of the top choices
  },
  {
    name: "xtc as often as it is asked for",
    options: { temperature: 1, xtcProbability: 0.4, xtcThreshold: 0.1 },
    expected: mix(0.4, keep([3, 4, 5, 6, 7]), P),
    wrong: mix(0.43, keep([3, 4, 5, 6, 7]), P),
  },
  {
    name: "xtc and minKeep",
    options: { temperature: 1, xtcProbability: 0.9, minKeep: 6 },
    expected: P,
    wrong: mix(0.9, keep([3, 4, 5, 6, 7]), P),
  },
  {
    name: "dynatempRange",
    options: { temperature: 1, dynatempRange: 0.9, dynatempExponent: 2 },
    expected: heat(0.1 + 1.8 * (entropy / Math.log(P.length)) ** 2),
    wrong: heat(0.1 + 1.8 * (entropy / Math.log(P.length))),
  },
  {
    name: "minKeep of topP and minP",
    options: { temperature: 1, topP: 0.1, minP: 0.99, minKeep: 3 },
    expected: keep([0, 1, 2]),
    wrong: keep([0, 1]),
  },
  {
    name: "dry",
    options: { temperature: 1, dryMultiplier: 0.7, dryBase: 2 },
    history: [1, 2, 3, 0, 5, 1, 2, 3],
    expected: keep(ALL, P.map((p, id) => id === 0 ? p / Math.exp(1.4) : p)),
    wrong: keep(ALL, P.map((p, id) => id === 0 ? p / Math.exp(0.7) : p)),
  },
  {
    name: "topP behind the temperature",
    options: { temperature: 3, topP: 0.6, samplers: ["temperature", "topP"] },
    expected: keep([0, 1, 2, 3], heat(3)),
    wrong: heat(3, keep([0, 1, 2])).map((p) => Number.isNaN(p) ? 0 : p),
  },
  {
    name: "topP in front of the temperature",
    options: { temperature: 3, topP: 0.6, samplers: ["topP", "temperature"] },
    expected: heat(3, keep([0, 1, 2])),
    wrong: keep([0, 1, 2, 3], heat(3)),
  },
  {
    name: "no temperature where it is not among the samplers",
    options: { temperature: 3, topK: 5, samplers: ["topK"] },
    expected: keep([0, 1, 2, 3, 4]),
    wrong: heat(3, keep([0, 1, 2, 3, 4])),
  },
  {
    name: "penalties behind topK",
    options: {
      temperature: 1,
      topK: 2,
      presencePenalty: 2,
      samplers: ["topK", "penalties"],
    },
    history: [0],
    expected: keep([0, 1], P.map((p, id) => id === 0 ? p / Math.exp(2) : p)),
    wrong: keep([1, 2]),
  },
  {
    name: "mirostat 2",
    options: { temperature: 1, mirostat: 2, mirostatTau: 1.6 }, // 3.2 bits
    expected: keep([0, 1, 2, 3]), // 0.12 is 3.06 bits, 0.08 is 3.64
    wrong: keep([0, 1, 2, 3, 4]),
  },
  {
    name: "mirostat 2 behind the temperature",
    options: { temperature: 2, mirostat: 2, mirostatTau: 1.65 }, // 3.3 bits
    expected: keep([0, 1, 2, 3, 4], heat(2)), // 0.08 has become 3.22 bits
    wrong: keep([0, 1, 2, 3], heat(2)),
  },
  {
    name: "mirostat alone, whatever else is asked for",
    options: {
      temperature: 1,
      mirostat: 2,
      dynatempRange: 0.9,
      topK: 1,
      minP: 1,
    },
    expected: P,
    wrong: keep([0]),
  },
  {
    name: "biases",
    options: { temperature: 1, logitBias: { 0: -1, 3: 1 }, bannedTokens: [1] },
    expected: keep(
      [0, 2, 3, 4, 5, 6, 7],
      P.map((p, id) => p * Math.exp([-1, 0, 0, 1][id] ?? 0)),
    ),
    wrong: keep(ALL, P.map((p, id) => p * Math.exp([-1, 0, 0, 1][id] ?? 0))),
  },
  {
    name: "biases in front of all samplers",
    options: { temperature: 1, logitBias: { 7: 9 }, typicalP: 0.5 },
    expected: keep([7]),
    wrong: keep([1, 2, 3]),
  },
];

function deviation(p = P): number {
  const logits = p.map((p) => Math.log(p));
  const mean = logits.reduce((a, b) => a + b) / p.length;
  const squares = logits.map((logit) => (logit - mean) ** 2);
  return Math.sqrt(squares.reduce((a, b) => a + b) / p.length);
}

for (const { name, options, history = [], expected, wrong } of CASES) {
  Deno.test(`sample() draws by ${name}`, () => {
    const counts = histogram(options, history);
    const classes = expected.filter((p) => p > 0).length;
    const limit = chiSquaredLimit(Math.max(1, classes - 1));
    assertLess(chiSquared(counts, expected), limit);
    assertGreater(chiSquared(counts, wrong), limit);
  });
}
