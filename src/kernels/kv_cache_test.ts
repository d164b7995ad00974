import { assertEquals } from "@std/assert";
import { headQuads } from "./kv_cache.ts";

Deno.test("headQuads() rounds a head up to an even number of quads", () => {
  const sizes = [2, 6, 8, 10, 48, 64, 80, 96, 128, 256];
  assertEquals(sizes.map(headQuads), [2, 2, 2, 4, 12, 16, 20, 24, 32, 64]);
});
