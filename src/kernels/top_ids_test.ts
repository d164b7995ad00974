import { assertEquals } from "@std/assert";
import { seeded } from "../../tests/gguf_mutate.ts";
import { argmax, topIds } from "./top_ids.ts";

Deno.test("argmax() finds the largest, the first among equals", () => {
  assertEquals(argmax([3]), 0);
  assertEquals(argmax([-5, -2, -9]), 1);
  assertEquals(argmax([1, 4, 4, 2]), 1);
  assertEquals(argmax([-Infinity, -1e38]), 1);
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
