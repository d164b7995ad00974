import { assert, assertEquals } from "@std/assert";
import { seeded } from "../../../tests/gguf_mutate.ts";
import { Candidates } from "./candidates.ts";
import { applyMinP } from "./min_p.ts";
import { applyTemperature } from "./temperature.ts";
import { applyTopK } from "./top_k.ts";
import { applyTopNSigma } from "./top_n_sigma.ts";
import { applyTopP } from "./top_p.ts";
import { applyTypicalP } from "./typical_p.ts";
import { applyXtc } from "./xtc.ts";

// Each sampler against its definition, written down as plainly as can be.

interface Token {
  id: number;
  logit: number;
}

/** Logits to choose among, by what is special about them. */
const LOGITS: [name: string, logits: Float32Array][] = [
  ["one token", Float32Array.of(-3)],
  ["two tokens", Float32Array.of(1, 2)],
  ["equal tokens", new Float32Array(60).fill(-1.5)],
  ["one token of many that can be chosen", withOne(100, 30)],
  ["random logits", random(200, 1)],
  ["logits with equals", random(500, 2).map((x) => Math.round(x * 2) / 2 + 0)],
  ["logits of which a half is -Infinity", withHoles(random(300, 3))],
  ["a sure model", random(100, 4).map((x, i) => i === 77 ? 25 : x)],
  ["32000 tokens", random(32000, 5)],
];

function random(size: number, seed: number): Float32Array {
  const next = seeded(seed);
  return Float32Array.from(
    { length: size },
    () => (next() + next() + next() - 1.5) * 6,
  );
}

function withHoles(logits: Float32Array): Float32Array {
  return logits.map((logit, i) => i % 2 === 0 ? -Infinity : logit);
}

function withOne(size: number, id: number): Float32Array {
  const logits = new Float32Array(size).fill(-Infinity);
  logits[id] = 2;
  return logits;
}

function tokensOf(logits: Float32Array): Token[] {
  return Array.from(logits, (logit, id) => ({ id, logit }));
}

/** Best first, the lower id first among equals. */
function sorted(tokens: Token[]): Token[] {
  // Infinity - Infinity is not 0.
  return tokens.toSorted((a, b) =>
    a.logit === b.logit ? a.id - b.id : b.logit - a.logit
  );
}

function probabilities(tokens: Token[]): number[] {
  const best = Math.max(...tokens.map(({ logit }) => logit).slice(0, 50000));
  const weights = tokens.map(({ logit }) => Math.exp(logit - best));
  const sum = weights.reduce((a, b) => a + b);
  return weights.map((weight) => weight / sum);
}

function entropy(p: number[]): number {
  return p.reduce((sum, p) => sum - (p === 0 ? 0 : p * Math.log(p)), 0);
}

/** As few as have the sum, and at least so many. */
function untilSum(
  tokens: Token[],
  p: number[],
  { wanted, minKeep }: { wanted: number; minKeep: number },
): Token[] {
  let sum = 0;
  let count = 0;
  while (count < tokens.length && (sum < wanted || count < minKeep)) {
    sum += p[count++]!;
  }
  return tokens.slice(0, count);
}

function assertSame(candidates: Candidates, expected: Token[]): void {
  const actual = Array.from(candidates.ids, (id, i): Token => ({
    id,
    logit: candidates.logits[i]!,
  }));
  const byId = (a: Token, b: Token) => a.id - b.id;
  assertEquals(actual.toSorted(byId), expected.toSorted(byId));
  if (candidates.isSorted) assertEquals(actual, sorted(actual));
}

/** Both ways in which candidates may come. */
function both(logits: Float32Array): Candidates[] {
  const best = new Candidates(logits);
  best.sort();
  return [new Candidates(logits), best];
}

for (const [name, logits] of LOGITS) {
  Deno.test(`applyTopK() keeps the best of ${name}`, () => {
    for (const k of [1, 2, 59, 60, 61, 2 ** 31]) {
      for (const candidates of both(logits)) {
        applyTopK(candidates, k);
        assertSame(candidates, sorted(tokensOf(logits)).slice(0, k));
      }
    }
  });

  Deno.test(`applyTopP() keeps the fewest best of ${name}`, () => {
    for (const [p, minKeep] of [[0, 0], [0.313, 0], [0.947, 0], [0.5131, 9]]) {
      for (const candidates of both(logits)) {
        applyTopP(candidates, p!, minKeep!);
        const tokens = sorted(tokensOf(logits));
        const limits = { wanted: p!, minKeep: Math.max(1, minKeep!) };
        const expected = untilSum(tokens, probabilities(tokens), limits);
        assertSame(candidates, expected);
      }
    }
  });

  Deno.test(`applyMinP() keeps a share of the best of ${name}`, () => {
    for (const [p, minKeep] of [[0.01, 0], [0.3, 0], [1, 0], [0.7, 8]]) {
      for (const candidates of both(logits)) {
        applyMinP(candidates, p!, minKeep!);
        const tokens = sorted(tokensOf(logits));
        const least = tokens[0]!.logit + Math.log(p!);
        const expected = tokens.filter(({ logit }, i) =>
          logit >= least || i < minKeep!
        );
        assertSame(candidates, expected);
      }
    }
  });

  Deno.test(`applyTypicalP() keeps the most typical of ${name}`, () => {
    for (const [p, minKeep] of [[0.213, 0], [0.947, 0], [0.313, 9]]) {
      for (const candidates of both(logits)) {
        applyTypicalP(candidates, p!, minKeep!);
        const tokens = sorted(tokensOf(logits));
        const all = probabilities(tokens);
        const mean = entropy(all);
        const ranked = tokens.map((token, i) => ({
          token,
          p: all[i]!,
          distance: Math.fround(Math.abs(-Math.log(all[i]!) - mean)),
        })).toSorted((a, b) =>
          a.distance === b.distance ? 0 : a.distance - b.distance
        );
        const limits = { wanted: p!, minKeep: Math.max(1, minKeep!) };
        const expected = untilSum(
          ranked.map(({ token }) => token),
          ranked.map(({ p }) => p),
          limits,
        );
        assertSame(candidates, expected);
      }
    }
  });

  Deno.test(`applyTopNSigma() rules out what is far below the best of ${name}`, () => {
    for (const n of [0.5, 1, 2.7]) {
      for (const candidates of both(logits)) {
        applyTopNSigma(candidates, n);
        const known = [...logits].filter((x) => x !== -Infinity);
        const mean = known.reduce((a, b) => a + b) / known.length;
        const sigma = Math.sqrt(
          known.reduce((sum, x) => sum + (x - mean) ** 2, 0) / known.length,
        );
        const least = Math.max(...known) - n * sigma;
        const expected = tokensOf(logits).map(({ id, logit }) => ({
          id,
          logit: logit < least ? -Infinity : logit,
        }));
        assertSame(candidates, logits.length > 1 ? expected : tokensOf(logits));
      }
    }
  });

  Deno.test(`applyXtc() drops the top choices but the last of ${name}`, () => {
    for (
      const [threshold, minKeep] of [[0, 0], [0.002, 0], [0.1, 0], [0.01, 5]]
    ) {
      for (const candidates of both(logits)) {
        const options = {
          probability: 0.5,
          threshold: threshold!,
          chance: 0.4,
        };
        applyXtc(candidates, { ...options, minKeep: minKeep! });
        const tokens = sorted(tokensOf(logits));
        const p = probabilities(tokens);
        const tops = p.filter((p) => p > 0 && p >= threshold!).length;
        const rest = tokens.slice(Math.max(0, tops - 1));
        assertSame(candidates, rest.length >= minKeep! ? rest : tokens);
      }
    }
  });

  Deno.test(`applyTemperature() divides the logits of ${name}`, () => {
    const cases = [[2, 0, 1], [0.3, 0, 1], [1, 0.8, 1], [0.5, 2, 0.3]];
    for (const [temperature, range, exponent] of cases) {
      const all = { temperature: temperature!, range: range! };
      for (const candidates of both(logits)) {
        applyTemperature(candidates, { ...all, exponent: exponent! });
        const tokens = tokensOf(logits);
        const low = Math.max(0, temperature! - range!);
        const share = entropy(probabilities(tokens)) / Math.log(tokens.length);
        const divisor = range === 0
          ? temperature!
          : tokens.length === 1
          ? 1
          : low + (temperature! + range! - low) * share ** exponent!;
        for (const [i, logit] of candidates.logits.entries()) {
          const expected = logits[candidates.ids[i]!]! / divisor;
          const isClose = logit === expected ||
            Math.abs(logit - expected) <= 2e-6 * Math.abs(expected) ||
            // A divisor of 0 leaves the best one alone.
            (divisor < 1e-12 && (logit === 2 || logit === -Infinity));
          assert(isClose, `${logit}, not ${expected}`);
        }
      }
    }
  });
}

Deno.test("applyTemperature() leaves the best token alone at 0, that of the lower id", () => {
  for (const temperature of [0, 1e-45, 5e-324]) {
    const candidates = new Candidates(Float32Array.of(1, 3, -2, 3));
    candidates.take(Uint32Array.of(3, 1, 0, 2));
    applyTemperature(candidates, { temperature, range: 0, exponent: 1 });
    assertEquals([...candidates.ids], [3, 1, 0, 2]);
    const [, best] = candidates.logits;
    assert(Number.isFinite(best));
    assertEquals(candidates.bestPlace(), 1);
    assertEquals(
      [...candidates.logits].filter((logit) => logit > -Infinity),
      [best!],
    );
  }
});

Deno.test("applyTemperature() may make logits equal, of which the lower id is first", () => {
  const candidates = new Candidates(Float32Array.of(1, 1 + 2 ** -20, 0));
  candidates.sort();
  assertEquals([...candidates.ids], [1, 0, 2]);
  applyTemperature(candidates, { temperature: 1e44, range: 0, exponent: 1 });
  applyTopK(candidates, 1);
  assertEquals([...candidates.ids], [0]);
});

Deno.test("Candidates.sort() orders every kind of number", () => {
  const logits = Float32Array.of(
    ...[0, -0, 1e-45, -1e-45, 3e38, -3e38, -Infinity, 1, -1, 1, -1, 0.5],
  );
  const candidates = new Candidates(logits);
  candidates.sort();
  const expected = sorted(
    tokensOf(logits).map(({ id, logit }) => ({
      id,
      logit: logit + 0,
    })),
  );
  assertEquals([...candidates.ids], expected.map(({ id }) => id));
  assertEquals([...candidates.logits], expected.map(({ logit }) => logit));
});
