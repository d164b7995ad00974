import { assertEquals } from "@std/assert";
import { Lookup } from "./lookup.ts";

Deno.test("guess() gives what came behind the last tokens before", () => {
  const lookup = new Lookup([1, 2, 3, 4, 5, 6, 2, 3]);
  assertEquals(lookup.guess(3), [4, 5, 6]);
  assertEquals(lookup.guess(1), [4]);
  lookup.note([4]);
  assertEquals(lookup.guess(2), [5, 6]);
});

Deno.test("guess() gives nothing where the last two tokens are new", () => {
  assertEquals(new Lookup([]).guess(3), []);
  assertEquals(new Lookup([1]).guess(3), []);
  assertEquals(new Lookup([1, 2]).guess(3), []);
  assertEquals(new Lookup([1, 2, 3, 2]).guess(3), []);
});

Deno.test("guess() takes the longest and then the latest place that fits", () => {
  // 2, 3 came before 9 at last, 1, 2, 3 before 7.
  assertEquals(new Lookup([1, 2, 3, 7, 8, 2, 3, 9, 1, 2, 3]).guess(1), [7]);
  assertEquals(new Lookup([2, 3, 7, 2, 3, 9, 2, 3]).guess(1), [9]);
});

Deno.test("guess() goes on round what repeats itself", () => {
  assertEquals(new Lookup([5, 6, 7, 5, 6]).guess(7), [7, 5, 6, 7, 5, 6, 7]);
  assertEquals(new Lookup([4, 4, 4]).guess(5), [4, 4, 4, 4, 4]);
});

Deno.test("note() is the same in one call and in many", () => {
  const ids = Array.from({ length: 200 }, (_, i) => (i * i * 7) % 11);
  const one = new Lookup(ids);
  const many = new Lookup([]);
  for (const id of ids) many.note([id]);
  assertEquals(many.guess(7), one.guess(7));
});
