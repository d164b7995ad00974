import { assertEquals } from "@std/assert";
import { bitsOf, weightBits } from "../../../tests/blocks.ts";
import { download, run, upload } from "../../../tests/gpu.ts";
import { batchOf, kernelTest, poisonedOutput } from "../../../tests/kernels.ts";
import { uploadMatrix } from "../../../tests/weights.ts";
import { createEmbed } from "../embed.ts";
import { BLOCK } from "./codec.ts";
import { MXFP4 } from "./mxfp4.ts";

/** A float of a sign, two bits of exponent and one of mantissa. */
function e2m1(bits: number): number {
  const sign = bits & 8 ? -1 : 1;
  const exponent = bits >> 1 & 3;
  const mantissa = (bits & 1) / 2;
  // No exponent: subnormal, with that of 1 and nothing before the point.
  return sign *
    (exponent === 0 ? mantissa : 2 ** (exponent - 1) * (1 + mantissa));
}

/** A block with each of these exponents, 127 being that of 1, of all values. */
function blocksOf(exponents: readonly number[]) {
  const nibbles = Array.from({ length: BLOCK }, (_, i) => (7 * i + 3) & 15);
  const bytes = nibbles.slice(0, 16).map((low, i) =>
    low | nibbles[i + 16]! << 4
  );
  return {
    bytes: Uint8Array.from(exponents.flatMap((e) => [e, ...bytes])),
    values: Float32Array.from(
      exponents.flatMap((e) => nibbles.map((q) => 2 ** (e - 127) * e2m1(q))),
    ),
  };
}

Deno.test("MXFP4.dequantize() is exact when blocks have every exponent", () => {
  // 255 is a NaN in the Microscaling Formats, and 2^128 in ggml.
  const exponents = Array.from({ length: 256 }, (_, e) => e);
  const { bytes, values } = blocksOf(exponents);
  const actual = MXFP4.dequantize(bytes);
  assertEquals(weightBits(actual), weightBits(values));
});

Deno.test("MXFP4.dequantize() has no negative zero when a value is one", () => {
  const bytes = new Uint8Array(17).fill(0x88).fill(127, 0, 1);
  const values = MXFP4.dequantize(bytes);
  assertEquals(bitsOf(values), new Uint32Array(BLOCK));
});

kernelTest(
  "embed is exact when MXFP4 weights are every normal f32",
  async (scope) => {
    // From the first scale that is normal to the last whose largest weight is
    // finite: GPUs may take what is smaller for 0.
    const exponents = Array.from({ length: 251 }, (_, i) => i + 2);
    const { bytes, values } = blocksOf(exponents);
    const raw = { rows: 251, cols: BLOCK, codec: MXFP4, bytes };
    const table = await uploadMatrix(scope, raw);
    const y = poisonedOutput(scope, values.length);
    const step = (await createEmbed(scope, table)).bind({
      tokens: upload(scope.gpu, Uint32Array.from(exponents, (_, i) => i)),
      y,
      batch: batchOf(scope, { rows: 251 }),
    });
    run(scope.gpu, (pass) => step(pass, 251));
    const actual = await download(scope.gpu, y, values.length);
    assertEquals(weightBits(actual), weightBits(values));
  },
);
