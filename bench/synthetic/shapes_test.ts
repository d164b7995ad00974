import { assertEquals, assertThrows } from "@std/assert";
import { findShape, type ShapeOverrides } from "./shapes.ts";

Deno.test("findShape() changes what is given, and what follows from it", () => {
  const { heads, kvHeads, headDim, ropeDims, dim } = findShape("llama13b", {
    dim: 64,
    heads: 2,
    layers: undefined,
  });
  assertEquals([dim, heads, kvHeads, headDim, ropeDims], [64, 2, 2, 32, 32]);
  const given = findShape("tinyllama", { headDim: 128, kvHeads: 8, layers: 3 });
  assertEquals([given.headDim, given.ropeDims, given.kvHeads], [128, 128, 8]);
  assertEquals([given.layers, given.heads], [3, 32]);
});

Deno.test("findShape() refuses sizes that make no model", () => {
  const wrong: [ShapeOverrides, string][] = [
    [{ dim: 0.5 }, "dim is 0.5"],
    [{ vocabularySize: 3 }, "vocabularySize is 3"],
    [{ headDim: 7 }, "headDim is 7"],
    [{ kvHeads: 9 }, "there are 40 heads, a multiple of the 9"],
  ];
  for (const [overrides, message] of wrong) {
    assertThrows(
      () => findShape("llama13b", overrides),
      RangeError,
      `Cannot make a model: ${message}`,
    );
  }
  assertThrows(() => findShape("gpt2"), RangeError, 'no shape "gpt2"');
});
