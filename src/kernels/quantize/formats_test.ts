import { assert, assertEquals } from "@std/assert";
import { kernelTest, scopeTest } from "../../../tests/kernels.ts";
import { assertPacked, encodeWeights } from "../../../tests/packing.ts";
import { blockFormatByName } from "../../gguf/formats.ts";
import { PACKABLE } from "./formats.ts";
import { createPacker } from "./packer.ts";
import { extremeSamples, quantizeSamples, type Sample } from "./samples.ts";

for (const to of PACKABLE) {
  const { blockSize } = blockFormatByName(to)!;
  // One of 16 groups and one of 8 stand for both sizes of workgroups: some
  // drivers take half a minute to compile a search.
  const test = ["Q6_K", "IQ4_XS"].includes(to) ? kernelTest : scopeTest;

  test(`packingCode() packs ${to} as the CPU does`, async (scope) => {
    // Many of the usual ones: some tries seldom win.
    const [usual] = quantizeSamples(8, 64) as [Sample];
    const samples = [usual, ...quantizeSamples(7, 5)];
    const unsure = await assertPacked(scope, to, samples);
    for (const [name, count] of unsure) {
      assertEquals(count, 0, `unsure blocks of "${name}"`);
    }
  });

  scopeTest(
    `packingCode() leaves blocks of ${to} to the CPU when weights are extreme`,
    async (scope) => {
      const unsure = await assertPacked(scope, to, extremeSamples(3, 4));
      const all = 4 * 256 / blockSize;
      assertEquals(unsure.get("subnormal"), all);
      assertEquals(unsure.get("near the largest scale"), all);
      if (blockSize === 32) return;
      assertEquals(unsure.get("subnormal among weights"), all);
      // Their errors are too small, where errors are what counts.
      const fitsWell = ["Q4_K", "Q5_K"].includes(to) ? all : 0;
      assertEquals(unsure.get("small levels"), fitsWell);
    },
  );

  scopeTest(
    `packingCode() marks blocks of ${to} when weights are not finite`,
    async (scope) => {
      const [{ weights }] = quantizeSamples(5, 8) as [Sample];
      const bad = [1, 4, 7].map((block) => block * 256 + 31 * block);
      for (const [i, value] of [NaN, Infinity, -Infinity].entries()) {
        weights[bad[i]!] = value;
      }
      const options = { from: "F32", to, weights: weights.length };
      const packer = (await createPacker(scope, options))!;
      const { unsure } = await packer.pack(encodeWeights("F32", weights));
      assertEquals([...unsure!], bad.map((at) => Math.floor(at / blockSize)));
    },
  );
}

for (const from of ["F16", "BF16"]) {
  scopeTest(`packingCode() unpacks every ${from} number`, async (scope) => {
    const weights = new Float32Array(65536);
    const bits = Uint16Array.from(weights, (_, i) => i);
    const bytes = new Uint8Array(bits.buffer);
    // In 64-bit floats, as F16 and BF16 numbers fit them whatever rounds.
    const isFinite = (i: number) =>
      from === "F16" ? (i >> 10 & 31) < 31 : (i >> 7 & 255) < 255;
    const options = { from, to: "Q8_0", weights: weights.length };
    const packer = (await createPacker(scope, options))!;
    const { unsure } = await packer.pack(bytes);
    for (let block = 0; block < 2048; block++) {
      if (!isFinite(32 * block)) assert(unsure!.includes(block));
    }
    for (let i = 0; i < 65536; i++) {
      weights[i] = isFinite(i) ? numberOf(from, i) : 0;
    }
    const samples = [{ name: "every number", weights }];
    const marked = await assertPacked(scope, "Q8_0", samples, from);
    // Those from 2^15 on, and below 2^-100.
    assertEquals(marked.get("every number"), from === "F16" ? 64 : 1120);
  });

  scopeTest(`packingCode() packs ${from} weights as Q6_K`, async (scope) => {
    const samples = [...quantizeSamples(11, 3), ...extremeSamples(5, 3)];
    await assertPacked(scope, "Q6_K", samples, from);
  });
}

/** What the 16 bits of a finite number stand for. */
function numberOf(from: string, bits: number): number {
  if (from === "BF16") {
    return new Float32Array(Uint32Array.of(bits << 16).buffer)[0]!;
  }
  const exponent = bits >> 10 & 31;
  const fraction = bits & 1023;
  const size = exponent === 0
    ? fraction * 2 ** -24
    : (1024 + fraction) * 2 ** (exponent - 25);
  return bits & 0x8000 ? -size : size;
}
