import { assertEquals } from "@std/assert";
import { headBytes, headOctets, headWords } from "./kv_cache.ts";

Deno.test("headOctets() rounds a head up to whole eights", () => {
  const sizes = [2, 6, 8, 10, 48, 64, 80, 96, 128, 256];
  assertEquals(sizes.map(headOctets), [1, 1, 1, 2, 6, 8, 10, 12, 16, 32]);
});

Deno.test("headBytes() counts padding and scales", () => {
  const sizes = [6, 64, 80, 128, 256];
  const f16 = sizes.map((size) => headBytes(size, "f16"));
  assertEquals(f16, [16, 128, 160, 256, 512]);
  const f32 = sizes.map((size) => headBytes(size, "f32"));
  assertEquals(f32, [32, 256, 320, 512, 1024]);
  // Groups of 32 bytes, and 8 bytes for up to four scales.
  const q8 = sizes.map((size) => headBytes(size, "q8_0"));
  assertEquals(q8, [40, 72, 104, 136, 272]);
});

Deno.test("headWords() tells where the next head begins", () => {
  assertEquals(headWords(80, "f16"), 10);
  assertEquals(headWords(80, "f32"), 20);
  assertEquals(headWords(80, "q8_0"), 13);
});
