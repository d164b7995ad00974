import { assert, assertEquals } from "@std/assert";
import { fitLargest } from "./fit.ts";

Deno.test("fitLargest() finds the largest size for every limit", () => {
  for (let whole = 1; whole <= 40; whole++) {
    for (let limit = 1; limit <= whole; limit++) {
      assertEquals(
        fitLargest(whole, (size) => size <= limit ? `${size}` : undefined),
        { size: limit, value: `${limit}` },
      );
    }
  }
});

Deno.test("fitLargest() gives undefined when not even 1 fits", () => {
  assertEquals(fitLargest(1, () => undefined), undefined);
  assertEquals(fitLargest(9, () => undefined), undefined);
});

Deno.test("fitLargest() tries the whole alone when it fits", () => {
  const sizes: number[] = [];
  fitLargest(1000, (size) => sizes.push(size));
  assertEquals(sizes, [1000]);
});

Deno.test("fitLargest() tries sizes near the result when the whole is too large", () => {
  const sizes: number[] = [];
  fitLargest(1_000_000, (size) => {
    sizes.push(size);
    return size <= 11 ? size : undefined;
  });
  assertEquals(sizes[0], 1_000_000);
  assert(Math.max(...sizes.slice(1)) <= 16, `${sizes}`);
  assert(sizes.length <= 10, `${sizes}`);
});
