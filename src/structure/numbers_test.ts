import { assert, assertEquals, assertThrows } from "@std/assert";
import { seeded } from "../../tests/gguf_mutate.ts";
import { accepts } from "../../tests/structure.ts";
import { type NumberLimits, numberNode } from "./numbers.ts";

/** Whether a number keeps to limits. */
function isWithin(value: number, limits: NumberLimits): boolean {
  return value >= (limits.minimum ?? -Infinity) &&
    value <= (limits.maximum ?? Infinity) &&
    value > (limits.exclusiveMinimum ?? -Infinity) &&
    value < (limits.exclusiveMaximum ?? Infinity) &&
    (limits.multiplesOf ?? []).every((one) => Number.isInteger(value / one));
}

Deno.test("numberNode() allows the integers of any range, and no other", () => {
  const random = seeded(4);
  for (let i = 0; i < 60; i++) {
    const low = Math.floor((random() - 0.5) * 10 ** (1 + i % 3));
    const high = low + Math.floor(random() * 10 ** (i % 3));
    const limits: NumberLimits = {
      isInteger: true,
      [i % 2 ? "minimum" : "exclusiveMinimum"]: low,
      [i % 5 ? "maximum" : "exclusiveMaximum"]: high,
      ...(i % 7 === 0 && { multiplesOf: [2, 3] }),
    };
    const node = numberNode(limits);
    for (let value = low - 3; value <= high + 3; value++) {
      assertEquals(
        accepts(node, String(value)) === true,
        isWithin(value, limits),
        `${value} in ${JSON.stringify(limits)}`,
      );
    }
  }
});

Deno.test("numberNode() allows the decimals of any range, and no other", () => {
  const random = seeded(5);
  for (let i = 0; i < 30; i++) {
    const digits = i % 3;
    const low = Number(((random() - 0.5) * 20).toFixed(digits));
    const limits: NumberLimits = {
      isInteger: false,
      [i % 2 ? "minimum" : "exclusiveMinimum"]: low,
      maximum: low + 1,
    };
    const node = numberNode(limits);
    for (let j = -50; j < 150; j++) {
      const text = (low + j / 100).toFixed(1 + j & 1 ? 2 : 3);
      if (Number(text) === 0) continue; // "-0.00" is not written
      assertEquals(
        accepts(node, text) === true,
        isWithin(Number(text), limits),
        `${text} in ${JSON.stringify(limits)}`,
      );
    }
  }
});

Deno.test("numberNode() finds numbers in ranges that are tiny, huge or far", () => {
  const cases: [Partial<NumberLimits>, string, string][] = [
    [{ exclusiveMinimum: 0, exclusiveMaximum: 1e-9 }, "0.0000000005", "0"],
    [{ minimum: 1e14, maximum: 2e14 }, "123456789012345", "99"],
    [{ minimum: -1e300, maximum: 1e300 }, "999999999999999", "1e301"],
    [{ minimum: 0.1 + 0.2, maximum: 0.4 }, "0.31", "0.3"],
    [{ isInteger: true, multiplesOf: [1000] }, "-7000", "7500"],
    [{ multiplesOf: [0.25] }, "0.75", "0.7"],
    [{ multiplesOf: [12345] }, "24690", "24691"],
  ];
  for (const [limits, good, bad] of cases) {
    const node = numberNode({ isInteger: false, ...limits });
    assertEquals(accepts(node, good), true, good);
    assert(accepts(node, bad) !== true, bad);
  }
});

Deno.test("numberNode() refuses what it has no digits for", () => {
  for (
    const limits of [
      { isInteger: true, minimum: 1e16 },
      { isInteger: false, minimum: 1e16 },
      { isInteger: false, exclusiveMinimum: 1, exclusiveMaximum: 1 + 2e-16 },
    ]
  ) {
    assertThrows(() => numberNode(limits), TypeError, "no number of up to 15");
  }
});
