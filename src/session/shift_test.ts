import { assertEquals } from "@std/assert";
import { shiftIds } from "./shift.ts";

const ids = (length: number) => Array.from({ length }, (_, i) => i);

Deno.test("shiftIds() keeps the sinks and the newer half of the rest", () => {
  const options = { contextLength: 10, sinks: 2 };
  assertEquals(shiftIds(ids(11), options), [0, 1, 7, 8, 9, 10]);
  assertEquals(shiftIds(ids(1000), options), [0, 1, 996, 997, 998, 999]);
  assertEquals(shiftIds(ids(3), { contextLength: 2, sinks: 0 }), [2]);
  assertEquals(shiftIds(ids(5), { contextLength: 4, sinks: 2 }), [0, 1, 4]);
});
