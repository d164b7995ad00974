import { assertEquals } from "@std/assert";
import { seeded } from "../../../tests/gguf_mutate.ts";
import { radixOrder } from "./radix_order.ts";

Deno.test("radixOrder() orders as a stable sort does", () => {
  const next = seeded(1);
  for (const size of [0, 1, 2, 1000]) {
    for (const most of [3, 2 ** 12, 2 ** 32]) {
      const keys = Uint32Array.from({ length: size }, () => next() * most);
      const order = Uint32Array.from(keys.keys()).reverse();
      const expected = [...order].sort((a, b) => keys[a]! - keys[b]!);
      assertEquals([...radixOrder(keys, order)], expected);
      const plain = [...keys.keys()].sort((a, b) => keys[a]! - keys[b]!);
      assertEquals([...radixOrder(keys)], plain);
    }
  }
});
