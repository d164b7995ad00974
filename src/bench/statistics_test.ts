import { assertEquals } from "@std/assert";
import { quantile, summarize } from "./statistics.ts";

Deno.test("quantile() lies between neighbours in proportion", () => {
  const sorted = [1, 2, 4, 8, 16];
  assertEquals([0, 0.25, 0.5, 0.75, 1].map((p) => quantile(sorted, p)), sorted);
  assertEquals(quantile(sorted, 0.125), 1.5);
  assertEquals(quantile([3, 5], 0.5), 4);
  assertEquals(quantile([7], 0.9), 7);
});

Deno.test("summarize() gives median and quartiles of values in any order", () => {
  const values = [100, 9, 10, 30, 2, 1];
  assertEquals(summarize(values), {
    median: 9.5,
    lowerQuartile: 3.75,
    upperQuartile: 25,
  });
  assertEquals(values, [100, 9, 10, 30, 2, 1]);
  assertEquals(summarize([5]), {
    median: 5,
    lowerQuartile: 5,
    upperQuartile: 5,
  });
});
