import { assert, assertEquals, assertLess, assertNotEquals } from "@std/assert";
import { chiSquared, chiSquaredLimit } from "../../tests/statistics.ts";
import { philox, philox2x32 } from "./philox.ts";

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

Deno.test("philox() is made of the bits of philox2x32()", () => {
  for (
    const counter of [0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 7, 2 ** 53 - 1]
  ) {
    for (const seed of [0, 1, 0xdeadbeef, 0xffffffff]) {
      const low = counter % 2 ** 32;
      const high = Math.floor(counter / 2 ** 32);
      const [a, b] = philox2x32(seed, [low, high]).map(BigInt);
      const bits = ((a! >> 5n) << 26n) | (b! >> 6n);
      assertEquals(philox(seed, counter), Number(bits) / 2 ** 53);
    }
  }
});

Deno.test("philox() stays below 1 and from 0 on", () => {
  for (let i = 0; i < 10000; i++) {
    const u = philox(7, i);
    assert(u >= 0 && u < 1, `${u}`);
  }
});

Deno.test("philox() is uniform over counters, and over seeds", () => {
  const draw: Record<string, (i: number) => number> = {
    counters: (i) => philox(1, i),
    seeds: (i) => philox(i, 0),
    highWords: (i) => philox(3, i * 2 ** 32),
  };
  for (const [what, at] of Object.entries(draw)) {
    const counts = new Array<number>(100).fill(0);
    for (let i = 0; i < 50000; i++) counts[Math.floor(at(i) * 100)]!++;
    const statistic = chiSquared(counts, counts.map(() => 0.01));
    assertLess(statistic, chiSquaredLimit(99), what);
  }
});

Deno.test("philox() gives neighbours that have nothing to do with each other", () => {
  const counts = new Array<number>(100).fill(0);
  for (let i = 0; i < 50000; i++) {
    const [a, b] = [philox(9, i), philox(9, i + 1)];
    counts[Math.floor(a * 10) * 10 + Math.floor(b * 10)]!++;
  }
  assertLess(chiSquared(counts, counts.map(() => 0.01)), chiSquaredLimit(99));
  assertNotEquals(philox(1, 0), philox(2, 0));
});
