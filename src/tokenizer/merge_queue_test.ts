import { assertEquals } from "@std/assert";
import { seededRandom } from "../../tests/vocabularies.ts";
import { MergeQueue } from "./merge_queue.ts";

Deno.test("MergeQueue.pop() gives the highest score, then the leftmost", () => {
  const queue = new MergeQueue(4);
  queue.push(-1, 0);
  queue.push(2, 7);
  queue.push(2, 3);
  queue.push(-Infinity, 1);
  queue.push(2, 5);
  assertEquals(queue.score, 2);
  assertEquals(
    Array.from({ length: 5 }, () => queue.pop()),
    [3, 5, 7, 0, 1],
  );
  assertEquals(queue.size, 0);
});

Deno.test("MergeQueue sorts when pushes and pops mix and it outgrows its capacity", () => {
  const random = seededRandom(1);
  const queue = new MergeQueue(1);
  let expected: [score: number, left: number][] = [];
  for (let i = 0; i < 2000; i++) {
    if (random(3) > 0 || expected.length === 0) {
      const entry: [number, number] = [random(5), random(1000)];
      queue.push(...entry);
      expected.push(entry);
    } else {
      expected.sort(([a, i], [b, j]) => b - a || i - j);
      const [[score, left]] = expected as [[number, number]];
      expected = expected.slice(1);
      assertEquals([queue.score, queue.pop()], [score, left]);
    }
    assertEquals(queue.size, expected.length);
  }
});
