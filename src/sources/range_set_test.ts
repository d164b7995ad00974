import { assertEquals } from "@std/assert";
import { seeded } from "../../tests/gguf_mutate.ts";
import { RangeSet } from "./range_set.ts";

Deno.test("add() joins ranges when they touch or overlap", () => {
  const set = new RangeSet([[10, 20], [30, 40]]);
  set.add(20, 25);
  assertEquals(set.ranges, [[10, 25], [30, 40]]);
  set.add(0, 10);
  set.add(24, 31);
  assertEquals(set.ranges, [[0, 40]]);
  set.add(50, 50);
  assertEquals([set.ranges, set.bytes], [[[0, 40]], 40]);
});

Deno.test("missing() cuts the gaps into pieces", () => {
  const set = new RangeSet([[10, 20], [30, 40]]);
  assertEquals(set.missing(45, 7), [
    [0, 7],
    [7, 10],
    [20, 27],
    [27, 30],
    [40, 45],
  ]);
  assertEquals(new RangeSet([[0, 45]]).missing(45, 7), []);
  assertEquals(new RangeSet().missing(0, 7), []);
});

Deno.test("RangeSet says of each byte what was said last when anything is done", () => {
  const random = seeded(3);
  const int = (n: number) => Math.floor(random() * n);
  for (let round = 0; round < 200; round++) {
    const set = new RangeSet();
    const bytes = new Set<number>();
    for (let step = 0; step < 20; step++) {
      const start = int(50);
      const end = start + int(15);
      const isAdded = random() < 0.7;
      if (isAdded) set.add(start, end);
      else set.remove(start, end);
      for (let at = start; at < end; at++) {
        if (isAdded) bytes.add(at);
        else bytes.delete(at);
      }
    }
    const missing = set.missing(64, 6);
    assertEquals(set.bytes, bytes.size);
    assertEquals(
      missing.flatMap(([from, to]) =>
        Array.from({ length: to - from }, (_, i) => from + i)
      ),
      Array.from({ length: 64 }, (_, i) => i).filter((i) => !bytes.has(i)),
    );
    assertEquals(
      missing.every(([from, to]) => to > from && to - from <= 6),
      true,
    );
  }
});
