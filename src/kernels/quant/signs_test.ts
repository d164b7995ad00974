import { assertEquals } from "@std/assert";
import { evenSigns, signAt } from "./signs.ts";

Deno.test("evenSigns() makes the negative signs even when they are any seven", () => {
  for (let seven = 0; seven < 128; seven++) {
    const signs = evenSigns(seven);
    assertEquals(signs & 127, seven);
    let product = 1;
    for (let i = 0; i < 8; i++) product *= signAt(signs, i);
    assertEquals(product, 1);
  }
});

Deno.test("signAt() is negative when the bit is set", () => {
  const signs = Array.from({ length: 8 }, (_, i) => signAt(0b10000101, i));
  assertEquals(signs, [-1, 1, -1, 1, 1, 1, 1, -1]);
});
