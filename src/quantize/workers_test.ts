import { assert, assertEquals, assertThrows } from "@std/assert";
import { workerCount } from "./workers.ts";

Deno.test("workerCount() is one a core when nothing is asked for", () => {
  const workers = workerCount("quantize");
  assertEquals(workers, Math.min(navigator.hardwareConcurrency, 12));
  assert(workers > 0);
});

Deno.test({
  name: "workerCount() is 0 when the program may not start workers",
  permissions: { read: false },
  fn: () => {
    assertEquals(workerCount("quantize"), 0);
    assertEquals(workerCount("quantize", 3), 3);
  },
});

Deno.test("workerCount() refuses what is no count", () => {
  for (const workers of [-1, 1.5, NaN, 257, Infinity]) {
    assertThrows(
      () => workerCount("quantize", workers),
      RangeError,
      `Cannot quantize: workers is ${workers}, an integer from 0 to 256`,
    );
  }
});
