import { assert, assertEquals } from "@std/assert";
import { blockFormatByName } from "../src/gguf/formats.ts";
import type { KernelScope } from "../src/gpu/kernel.ts";
import { createPacker } from "../src/kernels/quantize/packer.ts";
import type { Sample } from "../src/kernels/quantize/samples.ts";
import { Decoder } from "../src/quantize/decode.ts";
import { quantizeRows } from "../src/quantize/quantize_rows.ts";

/** The bytes of weights in a format that the GPU unpacks. */
export function encodeWeights(
  from: string,
  weights: Float32Array,
): Uint8Array<ArrayBuffer> {
  return quantizeRows(from, weights, weights.length);
}

/**
 * Asserts that the GPU packs samples as the CPU does, but for the blocks that it
 * is unsure of.
 *
 * @returns How many those are, by the sample's name.
 */
export async function assertPacked(
  scope: KernelScope,
  to: string,
  samples: readonly Sample[],
  from = "F32",
): Promise<Map<string, number>> {
  const most = samples[0]!.weights.length;
  const packer = (await createPacker(scope, { from, to, weights: most }))!;
  const decoder = new Decoder();
  const { blockSize, bytes: blockBytes } = blockFormatByName(to)!;
  const unsureBlocks = new Map<string, number>();
  for (const { name, weights } of samples) {
    const bytes = encodeWeights(from, weights);
    const { bytes: actual, unsure } = await packer.pack(bytes);
    const floats = await decoder.decode(from, bytes);
    const expected = quantizeRows(to, floats, weights.length);
    assert(unsure !== undefined);
    assertEquals(actual.length, expected.length);
    unsureBlocks.set(name, unsure.length);
    for (const block of unsure) {
      const at = block * blockBytes;
      actual.set(expected.subarray(at, at + blockBytes), at);
    }
    for (let at = 0; at < actual.length; at += blockBytes) {
      const block = at / blockBytes;
      assertEquals(
        actual.subarray(at, at + blockBytes),
        expected.subarray(at, at + blockBytes),
        `${name}: block ${block} of ${from} as ${to}, weights ${
          weights.subarray(block * blockSize, (block + 1) * blockSize)
        }`,
      );
    }
  }
  return unsureBlocks;
}
