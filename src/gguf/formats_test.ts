import { GGMLQuantizationType } from "@huggingface/gguf";
import { assertEquals } from "@std/assert";
import { BLOCK_FORMATS, blockFormat, blockFormatByName } from "./formats.ts";

// [weights, bytes] of a block as gguf-py has them.
const GGUF_PY = {
  F16: [1, 2],
  BF16: [1, 2],
  Q4_0: [32, 18],
  Q4_1: [32, 20],
  Q5_0: [32, 22],
  Q5_1: [32, 24],
  Q8_0: [32, 34],
  Q2_K: [256, 84],
  Q3_K: [256, 110],
  Q4_K: [256, 144],
  Q5_K: [256, 176],
  Q6_K: [256, 210],
  IQ1_S: [256, 50],
  IQ1_M: [256, 56],
  IQ2_XXS: [256, 66],
  IQ2_XS: [256, 74],
  IQ2_S: [256, 82],
  IQ3_XXS: [256, 98],
  IQ3_S: [256, 110],
  IQ4_NL: [32, 18],
  IQ4_XS: [256, 136],
  TQ1_0: [256, 54],
  TQ2_0: [256, 66],
};

Deno.test("BLOCK_FORMATS has the block sizes of gguf-py", () => {
  const actual = Object.keys(GGUF_PY).map((name) => {
    const format = blockFormatByName(name);
    return [name, [format?.blockSize, format?.bytes]];
  });
  assertEquals(Object.fromEntries(actual), GGUF_PY);
});

Deno.test("BLOCK_FORMATS has the ids of @huggingface/gguf", () => {
  const ids: Record<string, unknown> = GGMLQuantizationType;
  const expected = BLOCK_FORMATS.map(({ name }) => [name, ids[name]]);
  assertEquals(BLOCK_FORMATS.map(({ name, id }) => [name, id]), expected);
});

Deno.test("blockFormat() finds every format by its id", () => {
  const found = BLOCK_FORMATS.map(({ id }) => blockFormat(id));
  assertEquals(found, [...BLOCK_FORMATS]);
});

Deno.test("blockFormat() is undefined when ggml has withdrawn the id", () => {
  const ids = [-1, 4, 5, 31, 33, 36, 38, 1000, 0.5];
  assertEquals(ids.map(blockFormat), ids.map(() => undefined));
});

Deno.test("blockFormatByName() is undefined when there is no such name", () => {
  assertEquals(blockFormatByName("Q4_K_M"), undefined);
  assertEquals(blockFormatByName("q4_0"), undefined);
});
