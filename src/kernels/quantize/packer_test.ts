import { assert, assertEquals, assertThrows } from "@std/assert";
import type { KernelScope } from "../../gpu/kernel.ts";
import { kernelTest, narrowTest } from "../../../tests/kernels.ts";
import { blockFormatByName } from "../../gguf/formats.ts";
import { decoderOf } from "../../quantize/decode.ts";
import { quantizeRows } from "../../quantize/quantize_rows.ts";
import { PACKABLE } from "./formats.ts";
import { createPacker } from "./packer.ts";
import { extremeSamples, quantizeSamples, type Sample } from "./samples.ts";

/** Packs F32 weights as a source format, to compare from there. */
function encode(from: string, weights: Float32Array<ArrayBuffer>) {
  return quantizeRows(from, weights, weights.length);
}

/** Blocks that differ from the CPU's; those that are unsure do not count. */
async function compare(
  scope: KernelScope,
  to: string,
  samples: Sample[],
  from = "F32",
): Promise<Map<string, number>> {
  const weights = samples[0]!.weights.length;
  const packer = (await createPacker(scope, { from, to, weights }))!;
  const decode = await decoderOf(from);
  const { blockSize, bytes: blockBytes } = blockFormatByName(to)!;
  const unsureBlocks = new Map<string, number>();
  for (const { name, weights } of samples) {
    const bytes = encode(from, weights);
    const { bytes: actual, unsure } = await packer.pack(bytes.slice());
    const expected = quantizeRows(to, decode(bytes), weights.length);
    assertEquals(actual.length, expected.length);
    assert(unsure !== undefined);
    unsureBlocks.set(name, unsure.length);
    for (let block = 0; block < weights.length / blockSize; block++) {
      if (unsure.includes(block)) continue;
      const at = block * blockBytes;
      assertEquals(
        actual.subarray(at, at + blockBytes),
        expected.subarray(at, at + blockBytes),
        `${name}: block ${block} of ${from} as ${to}`,
      );
    }
  }
  return unsureBlocks;
}

for (const to of PACKABLE) {
  kernelTest(`createPacker() packs ${to} as the CPU does`, async (scope) => {
    const unsure = await compare(scope, to, quantizeSamples(7, 9));
    for (const [name, count] of unsure) {
      assertEquals(count, 0, `unsure blocks of "${name}"`);
    }
  });

  kernelTest(
    `createPacker() leaves blocks of ${to} to the CPU when it is unsure`,
    async (scope) => {
      const unsure = await compare(scope, to, extremeSamples(3, 4));
      assert(unsure.get("subnormal")! > 0);
      assertEquals(
        unsure.get("near the largest scale"),
        4 * 256 / blockFormatByName(to)!.blockSize,
      );
    },
  );

  for (const from of ["F16", "BF16"]) {
    kernelTest(
      `createPacker() packs ${from} weights as ${to}`,
      async (scope) => {
        const samples = quantizeSamples(11, 3);
        await compare(scope, to, [...samples, ...extremeSamples(5, 3)], from);
      },
    );
  }

  kernelTest(
    `createPacker() marks blocks of ${to} when weights are not finite`,
    async (scope) => {
      const { blockSize } = blockFormatByName(to)!;
      for (const from of ["F32", "F16", "BF16"]) {
        const [{ weights }] = quantizeSamples(5, 8) as [Sample];
        const bad = [1, 4, 7].map((block) => block * 256 + 31 * block);
        for (const [i, value] of [NaN, Infinity, -Infinity].entries()) {
          weights[bad[i]!] = value;
        }
        const packer =
          (await createPacker(scope, { from, to, weights: weights.length }))!;
        const { unsure } = await packer.pack(encode(from, weights));
        assertEquals(
          [...unsure!],
          bad.map((at) => Math.floor(at / blockSize)),
          from,
        );
      }
    },
  );
}

narrowTest("createPacker() packs", async (scope) => {
  const weights = quantizeSamples(3, 300)[0]!;
  await compare(scope, "Q8_0", [weights]);
});

kernelTest(
  "createPacker() keeps chunks apart when several are under way",
  async (scope) => {
    const samples = quantizeSamples(9, 5).slice(0, 6);
    const { length } = samples[0]!.weights;
    const packer = (await createPacker(scope, {
      from: "F32",
      to: "Q5_1",
      weights: length,
    }))!;
    // The last ones are shorter.
    const rows = samples.map(({ weights }, i) =>
      weights.slice(0, length - 256 * (i % 3) - 32 * i)
    );
    const packed = await Promise.all(
      rows.map((row) => packer.pack(encode("F32", row))),
    );
    for (const [i, { bytes }] of packed.entries()) {
      assertEquals(bytes, quantizeRows("Q5_1", rows[i]!, rows[i]!.length));
    }
  },
);

kernelTest(
  "createPacker() tells of no blocks when too many are unsure",
  async (scope) => {
    const weights = 32 * 5000;
    const packer =
      (await createPacker(scope, { from: "F32", to: "Q8_0", weights }))!;
    const rows = new Float32Array(weights).fill(NaN);
    const { unsure } = await packer.pack(encode("F32", rows));
    assertEquals(unsure, undefined);
  },
);

kernelTest(
  "createPacker() takes whole blocks of a chunk's size at most",
  async (scope) => {
    const options = { from: "F32", to: "Q8_0", weights: 128 * 32 };
    const packer = (await createPacker(scope, options))!;
    for (const weights of [33, 129 * 32]) {
      assertThrows(() => packer.pack(new Uint8Array(4 * weights)), RangeError);
    }
    assertEquals(
      await createPacker(scope, { ...options, to: "IQ2_S" }),
      undefined,
    );
    assertEquals(
      await createPacker(scope, { ...options, from: "Q8_0" }),
      undefined,
    );
  },
);
