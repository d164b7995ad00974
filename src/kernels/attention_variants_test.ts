import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import type { Gpu } from "../gpu/gpu.ts";
import {
  attentionStepVariants,
  attentionVariants,
  keyLanes,
  tileShape,
} from "./attention_variants.ts";

/** What the choice depends on. */
function device(isFallbackAdapter: boolean, subgroupSize: number): Gpu {
  return {
    subgroupSize,
    info: { isFallbackAdapter, subgroupMinSize: subgroupSize },
  } as Gpu;
}

Deno.test("attentionVariants() prefers tiles when the device is hardware", () => {
  const variants = attentionVariants(device(false, 32), 128);
  assertEquals(variants, ["tile", "tile_tree", "keys_tree"]);
});

Deno.test("attentionVariants() prefers broadcasts when it is software", () => {
  for (const size of [4, 8]) {
    assertEquals(attentionVariants(device(true, size), 64)[0], "broadcast");
  }
});

Deno.test("attentionVariants() offers no subgroups when there are none", () => {
  assertEquals(attentionVariants(device(false, 0), 64), [
    ...["tile_tree", "keys_tree"],
  ]);
  assertEquals(attentionVariants(device(true, 0), 64), ["keys_tree"]);
});

Deno.test("attentionVariants() leaves tiles to trees when subgroups are small", () => {
  assertEquals(attentionVariants(device(false, 4), 256)[0], "tile_tree");
});

Deno.test("attentionStepVariants() shares keys when a subgroup holds one", () => {
  const first = (size: number, headDim: number) =>
    attentionStepVariants(device(false, size), headDim)[0];
  assertEquals(first(32, 256), "lanes");
  assertEquals(first(16, 128), "lanes");
  assertEquals(first(16, 136), "lanes_tree");
  assertEquals(first(0, 64), "lanes_tree");
  assertEquals(attentionStepVariants(device(true, 8), 64), [
    ...["keys", "keys_tree"],
  ]);
});

Deno.test("keyLanes() is a power of two that holds the octets", () => {
  const sizes = [2, 8, 10, 48, 64, 80, 96, 128, 256];
  assertEquals(sizes.map(keyLanes), [1, 1, 2, 8, 8, 16, 16, 16, 32]);
});

Deno.test("tileShape() holds every head, within 8 KiB of keys and values", () => {
  for (let headDim = 2; headDim <= 256; headDim += 2) {
    const { slices, quads, keys } = tileShape(headDim);
    assertGreaterOrEqual(4 * slices * quads, headDim);
    assertEquals(quads <= 8 && keys >= 4 && keys % 4 === 0, true);
    assertEquals(2 * 16 * keys * slices * quads <= 8192, true, `${headDim}`);
  }
});
