import { assertAlmostEquals, assertEquals } from "@std/assert";
import { seeded } from "../../tests/gguf_mutate.ts";
import { argmax, logSumExp, topIds, topTokens } from "./logits.ts";

Deno.test("argmax() finds the largest, the first among equals", () => {
  assertEquals(argmax([3]), 0);
  assertEquals(argmax([-5, -2, -9]), 1);
  assertEquals(argmax([1, 4, 4, 2]), 1);
  assertEquals(argmax([-Infinity, -1e38]), 1);
});

Deno.test("logSumExp() neither overflows nor loses small terms", () => {
  assertAlmostEquals(logSumExp([0, 0, 0, 0]), Math.log(4), 1e-15);
  assertAlmostEquals(logSumExp([1000, 1000]), 1000 + Math.LN2, 1e-12);
  assertAlmostEquals(logSumExp([-1000, -1000]), -1000 + Math.LN2, 1e-12);
  assertEquals(logSumExp([5, -Infinity]), 5);
  const many = new Float32Array(1e5).fill(-20);
  assertAlmostEquals(logSumExp([0, ...many]), Math.log1p(1e5 * Math.exp(-20)));
});

/** What `topIds()` is to give, by a stable sort of everything. */
function sortedIds(logits: Float32Array, count: number): number[] {
  return [...logits.keys()]
    .sort((a, b) => logits[b]! - logits[a]! || a - b)
    .slice(0, count);
}

Deno.test("topIds() equals a sort, also among duplicates", () => {
  const random = seeded(1);
  for (const length of [1, 2, 7, 64, 65, 600, 5000]) {
    for (const values of [2, 10, 1e6]) {
      const logits = Float32Array.from(
        { length },
        () => Math.floor(random() * values) - values / 2,
      );
      for (const count of [0, 1, 2, 5, 40, 63, 64, 100, length, length + 9]) {
        assertEquals(
          [...topIds(logits, count)],
          sortedIds(logits, count),
          `${count} of ${length} with ${values} values`,
        );
      }
    }
  }
});

Deno.test("topIds() handles infinities and an infinite count", () => {
  const logits = Float32Array.of(-Infinity, 2, Infinity, -Infinity, 2);
  assertEquals([...topIds(logits, Infinity)], [2, 1, 4, 0, 3]);
  const masked = new Float32Array(1000).fill(-Infinity);
  masked[500] = 1;
  assertEquals([...topIds(masked, 3)], [500, 0, 1]);
});

Deno.test("topTokens() gives logits and log-probabilities among all tokens", () => {
  const logits = Float32Array.of(1, 3, 2, 3);
  const total = logSumExp(logits);
  assertEquals(topTokens(logits, 3), [
    { id: 1, logit: 3, logprob: 3 - total },
    { id: 3, logit: 3, logprob: 3 - total },
    { id: 2, logit: 2, logprob: 2 - total },
  ]);
});
