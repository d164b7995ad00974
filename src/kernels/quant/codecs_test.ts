import { assertEquals } from "@std/assert";
import { BLOCK_FORMATS } from "../../gguf/formats.ts";
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

/** What ggml has besides, which no weights are kept in. */
const NO_WEIGHTS = ["Q8_1", "Q8_K", "I8", "I16", "I32", "I64", "F64"];

Deno.test("CODECS has every format of weights under its own name", () => {
  const names = BLOCK_FORMATS.map(({ name }) => name)
    .filter((name) => !NO_WEIGHTS.includes(name));
  assertEquals([...CODECS.keys()], names);
  assertEquals(CODECS.size, 25);
  for (const [name, codec] of CODECS) {
    assertEquals(codec.name, name);
    assertEquals(codec.dequantize(new Uint8Array(0)).length, 0);
  }
});

/** Bytes that 32 weights take on the GPU beside what they do in the file. */
const PADDING: Record<string, number> = {
  Q3_K: 0.25, // d has a word of its own
  Q6_K: 0.25, // likewise
  IQ2_XXS: 0.25, // likewise
  IQ2_XS: 0.25, // likewise
  IQ3_XXS: 0.25, // likewise
  IQ1_S: 0.25, // likewise
  IQ3_S: 0.25, // likewise
  IQ2_S: 0.25, // likewise
  TQ1_0: 1.5, // two bits a weight, where five weights are a byte
};

for (const { name, layout, fileBlock } of CODECS.values()) {
  Deno.test(`${name} takes as many bytes on the GPU as documented`, () => {
    const { quants, high, scales } = layout;
    const scaleBytes = scales === undefined ? 0 : scales.bytes / scales.blocks;
    const inFile = fileBlock.bytes / fileBlock.weights * BLOCK;
    const bytes = quants + high + scaleBytes;
    assertEquals(bytes, inFile + (PADDING[name] ?? 0));
  });
}
