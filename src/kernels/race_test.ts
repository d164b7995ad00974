import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertLess,
} from "@std/assert";
import { seeded } from "../../tests/gguf_mutate.ts";
import { drawByRace, earliness } from "./race.ts";

const LOG2_E = Math.fround(Math.LOG2E);
const UNIT = 2 ** 25;

Deno.test("earliness() is the logarithm of an exponential time", () => {
  const random = seeded(1);
  const numbers = [0, 1, 63, 64, 2 ** 26 - 1, 2 ** 26, 2 ** 31, 2 ** 32 - 2];
  for (let i = 0; i < 20_000; i++) {
    numbers.push(Math.floor(random() * 2 ** (1 + 31 * random())));
    numbers.push(2 ** 32 - 2 - Math.floor(random() * 2 ** (31 * random())));
  }
  for (const r of numbers) {
    const x = (r + 0.5) / 2 ** 32;
    const wanted = 36 - Math.log2(-Math.log1p(-x));
    // The last ones of all count as 1 / 2^32 from 1, not as half of it.
    const limit = r > 2 ** 32 - 2 ** 14 ? 0.1 : 1e-5;
    assertAlmostEquals(earliness(r) / UNIT, wanted, limit, `${r}`);
  }
  assert(earliness(2 ** 32 - 1) > 31 * UNIT); // whatever is taken off
  assert(earliness(0) < 2 ** 32);
});

/** Draws at many steps: how often each place was drawn. */
function count(
  logits: readonly number[],
  { draws, seed = 7, scale = LOG2_E, ids }: {
    draws: number;
    seed?: number;
    scale?: number;
    ids?: readonly number[];
  },
): number[] {
  const racers = Float32Array.from(logits);
  const best = Math.max(...racers);
  const counts = logits.map(() => 0);
  for (let step = 0; step < draws; step++) {
    const key = { seed, step };
    counts[drawByRace({ ids, logits: racers, best, scale }, key)]! += 1;
  }
  return counts;
}

/** Pearson's statistic by its degrees of freedom, in standard deviations. */
function surprise(
  counts: readonly number[],
  weights: readonly number[],
): number {
  const draws = counts.reduce((a, b) => a + b);
  const total = weights.reduce((a, b) => a + b);
  const square = counts.reduce((sum, count, i) => {
    const wanted = draws * weights[i]! / total;
    return sum + (count - wanted) ** 2 / wanted;
  }, 0);
  const freedom = counts.length - 1;
  return (square - freedom) / Math.sqrt(2 * freedom);
}

Deno.test("drawByRace() draws by the probabilities", () => {
  const random = seeded(3);
  const cases: number[][] = [
    [0, 0],
    [1, 0, -1, -2, -3],
    Array.from({ length: 200 }, () => 0),
    Array.from({ length: 100 }, () => 4 * random()),
    [0, ...Array.from({ length: 300 }, () => -5)],
  ];
  for (const logits of cases) {
    const weights = logits.map((logit) => Math.exp(Math.fround(logit)));
    const counts = count(logits, { draws: 60_000 });
    assertLess(Math.abs(surprise(counts, weights)), 4, `${logits.slice(0, 9)}`);
    // It would find out a draw at another temperature.
    if (Math.max(...logits) === Math.min(...logits)) continue;
    const wrong = logits.map((logit) => Math.exp(0.9 * logit));
    assert(surprise(counts, wrong) > 8);
  }
  // Tokens that are told apart by their ids alone: far ones and huge ones.
  const ids = [0, 1, 2, 31_999, 32_000, 151_000, 2 ** 19 - 1];
  const counts = count(ids.map(() => 0), { draws: 60_000, ids });
  assertLess(Math.abs(surprise(counts, ids.map(() => 1))), 4);
});

Deno.test("drawByRace() draws anew for each seed and step", () => {
  const logits = Float32Array.from({ length: 64 }, () => 0);
  const racers = { logits, best: 0, scale: LOG2_E };
  let same = 0;
  const draws = 20_000;
  for (let i = 0; i < draws; i++) {
    const drawn = drawByRace(racers, { seed: i, step: 5 });
    if (drawn === drawByRace(racers, { seed: i + 1, step: 5 })) same++;
    if (drawn === drawByRace(racers, { seed: i, step: 6 })) same++;
  }
  assertAlmostEquals(same / draws / 2, 1 / 64, 0.003);
});

Deno.test("drawByRace() never draws what is banned, -Infinity or 31 bits away", () => {
  const logits = [-1e38, -Infinity, 0, -1e30, -22];
  for (const scale of [LOG2_E, Math.fround(1e-20), Math.fround(1e30)]) {
    const counts = count(logits, { draws: 3000, scale });
    assertEquals([counts[0], counts[1], counts[3]], [0, 0, 0]);
  }
});

Deno.test("drawByRace() cares neither for the order of tokens nor for small errors", () => {
  const random = seeded(9);
  const size = 32_000;
  const logits = Float32Array.from({ length: size }, () => 3 * random());
  const best = Math.max(...logits);
  const order = Array.from(logits.keys()).sort(() => random() - 0.5);
  const shuffled = Float32Array.from(order, (id) => logits[id]!);
  let moved = 0;
  for (let step = 0; step < 100; step++) {
    const key = { seed: 1, step };
    const drawn = drawByRace({ logits, best, scale: LOG2_E }, key);
    const racers = { ids: order, logits: shuffled, best, scale: LOG2_E };
    assertEquals(order[drawByRace(racers, key)], drawn);
    // As another driver might have them; sums over so many would take another
    // neighbour in one of ten draws.
    const noisy = logits.map((logit) => logit + 1e-5 * (random() - 0.5));
    const others = { logits: noisy, best: Math.max(...noisy), scale: LOG2_E };
    if (drawByRace(others, key) !== drawn) moved++;
  }
  assertLess(moved, 2);
});
