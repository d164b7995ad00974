import { assertEquals } from "@std/assert";
import { KV_TYPES } from "./kv_cache.ts";
import { roundHeads } from "./kv_round.ts";

Deno.test("roundHeads() rounds each value to a float", () => {
  const [x] = roundHeads([0.1], 1, "f16");
  assertEquals(x, 0.0999755859375);
  assertEquals([...roundHeads([0.1], 1, "f32")], [Math.fround(0.1)]);
});

Deno.test("roundHeads() rounds groups of 32 to 127 steps of their largest", () => {
  const head = Array.from({ length: 40 }, (_, i) => i < 32 ? i - 31 : i);
  const rounded = roundHeads(head, 40, "q8_0");
  // f16 has 11 bits: 31 / 127 and 39 / 127 as llama.cpp stores them.
  const [first, second] = [0.244140625, 0.30712890625];
  assertEquals(rounded[0], -127 * first);
  assertEquals(rounded[30], -4 * first);
  assertEquals(rounded[31], 0);
  assertEquals(rounded[32], 104 * second);
  assertEquals(rounded[39], 127 * second);
});

Deno.test("roundHeads() rounds halves away from zero", () => {
  assertEquals([...roundHeads([127, 2.5, -2.5, 0.5], 4, "q8_0")], [
    ...[127, 3, -3, 1],
  ]);
});

Deno.test("roundHeads() begins a group with each head", () => {
  const heads = [127, 1, 1270, 10];
  assertEquals([...roundHeads(heads, 2, "q8_0")], heads);
});

Deno.test("roundHeads() leaves what is rounded as it is", () => {
  const values = Array.from({ length: 96 }, (_, i) => Math.sin(i * i));
  for (const kv of KV_TYPES) {
    const rounded = roundHeads(values, 48, kv);
    assertEquals([...roundHeads(rounded, 48, kv)], [...rounded]);
  }
});

Deno.test("roundHeads() keeps zeros", () => {
  for (const kv of KV_TYPES) {
    assertEquals([...roundHeads([0, 0, 0, 0], 2, kv)], [0, 0, 0, 0]);
  }
});
