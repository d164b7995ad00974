import { assertEquals } from "@std/assert";
import { bitsOf, BLOCK_GOLDENS } from "../../../tests/blocks.ts";
import { BLOCK } from "./codec.ts";
import { CODECS } from "./codecs.ts";
import { F32 } from "./f32.ts";

for (const { type, bytes, values } of BLOCK_GOLDENS) {
  const codec = CODECS.get(type)!;

  Deno.test(`${type}.dequantize() is exact when blocks are of a real model`, () => {
    assertEquals(bitsOf(codec.dequantize(bytes)), bitsOf(values));
  });

  Deno.test(`${type}.dequantize() is exact when bytes begin anywhere`, () => {
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    const actual = codec.dequantize(shifted.subarray(3));
    assertEquals(bitsOf(actual), bitsOf(values));
  });
}

Deno.test("F32.dequantize() is exact when bytes begin anywhere", () => {
  const values = Float32Array.of(1.5, -0, 1e-40, 3e38, -Infinity);
  const shifted = new Uint8Array(21);
  shifted.set(new Uint8Array(values.buffer), 1);
  assertEquals(bitsOf(F32.dequantize(shifted.subarray(1))), bitsOf(values));
});

Deno.test("CODECS has every format under its own name", () => {
  assertEquals([...CODECS.keys()], [
    "F32",
    "F16",
    "BF16",
    "Q8_0",
    "Q4_0",
    "Q6_K",
  ]);
  for (const [name, codec] of CODECS) {
    assertEquals(codec.name, name);
    assertEquals(codec.dequantize(new Uint8Array(0)).length, 0);
    const bytes = codec.quantWords * 16 + codec.scaleBytes;
    const { fileBlock } = codec;
    // Only Q6_K pays for its layout: 28 bytes a block in place of 26.25.
    const padding = name === "Q6_K" ? 1.75 : 0;
    const inFile = fileBlock.bytes / fileBlock.weights * BLOCK;
    assertEquals(bytes, inFile + padding);
  }
});
