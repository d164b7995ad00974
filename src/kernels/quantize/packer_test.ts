import { assertEquals, assertThrows } from "@std/assert";
import { narrowTest, scopeTest } from "../../../tests/kernels.ts";
import { assertPacked, encodeWeights } from "../../../tests/packing.ts";
import { quantizeRows } from "../../quantize/quantize_rows.ts";
import { createPacker } from "./packer.ts";
import { quantizeSamples } from "./samples.ts";

narrowTest("createPacker() packs", async (scope) => {
  const weights = quantizeSamples(3, 300)[0]!;
  await assertPacked(scope, "Q6_K", [weights]);
});

scopeTest(
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
      rows.map((row) => packer.pack(encodeWeights("F32", row))),
    );
    for (const [i, { bytes }] of packed.entries()) {
      assertEquals(bytes, quantizeRows("Q5_1", rows[i]!, rows[i]!.length));
    }
  },
);

scopeTest(
  "createPacker() tells of no blocks when too many are unsure",
  async (scope) => {
    const weights = 32 * 5000;
    const packer =
      (await createPacker(scope, { from: "F32", to: "Q8_0", weights }))!;
    const rows = new Float32Array(weights).fill(NaN);
    const { unsure } = await packer.pack(encodeWeights("F32", rows));
    assertEquals(unsure, undefined);
  },
);

scopeTest(
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
