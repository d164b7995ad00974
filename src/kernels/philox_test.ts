import { assertEquals, assertLess, assertNotEquals } from "@std/assert";
import { chiSquared, chiSquaredLimit } from "../../tests/statistics.ts";
import { philox2x32 } from "./philox.ts";

// Random123's kat_vectors, "philox2x32 10": counter, key, result.
const KNOWN: [[number, number], number, [number, number]][] = [
  [[0, 0], 0, [0xff1dae59, 0x6cd10df2]],
  [[0xffffffff, 0xffffffff], 0xffffffff, [0x2c3f628b, 0xab4fd7ad]],
  [[0x243f6a88, 0x85a308d3], 0x13198a2e, [0xdd7ce038, 0xf62a4c12]],
];

for (const [counter, key, expected] of KNOWN) {
  Deno.test(`philox2x32() gives the known answer for key ${key}`, () => {
    assertEquals(philox2x32(key, counter), expected);
  });
}

/** The high word, as a number from 0 up to 1. */
function uniform(seed: number, low: number, high = 0): number {
  return philox2x32(seed, [low, high])[0] / 2 ** 32;
}

Deno.test("philox2x32() is uniform over counters, and over seeds", () => {
  const draw: Record<string, (i: number) => number> = {
    counters: (i) => uniform(1, i),
    seeds: (i) => uniform(i, 0),
    highWords: (i) => uniform(3, 0, i),
  };
  for (const [what, at] of Object.entries(draw)) {
    const counts = new Array<number>(100).fill(0);
    for (let i = 0; i < 50000; i++) counts[Math.floor(at(i) * 100)]!++;
    const statistic = chiSquared(counts, counts.map(() => 0.01));
    assertLess(statistic, chiSquaredLimit(99), what);
  }
});

Deno.test("philox2x32() gives neighbours that have nothing to do with each other", () => {
  const counts = new Array<number>(100).fill(0);
  for (let i = 0; i < 50000; i++) {
    const [a, b] = [uniform(9, i), uniform(9, i + 1)];
    counts[Math.floor(a * 10) * 10 + Math.floor(b * 10)]!++;
  }
  assertLess(chiSquared(counts, counts.map(() => 0.01)), chiSquaredLimit(99));
  assertNotEquals(uniform(1, 0), uniform(2, 0));
});
