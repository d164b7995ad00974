import { type Codec, decodeBlocks, fileBlock } from "./codec.ts";
import code from "./mxfp4.wgsl" with { type: "text" };
import { LOOK_UP, nibbleTable } from "./nibble_table.ts";
import repack from "./repack_header.wgsl" with { type: "text" };

/** Twice what the nibbles stand for: floats of a sign, 2 and 1 bits (e2m1). */
// deno-fmt-ignore
const VALUES: readonly number[] = [
  0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12,
];

/**
 * MXFP4: 32 floats of four bits and a power of two, `w = 2^(e - 128) * value[q]`,
 * as in the Microscaling Formats of the Open Compute Project, but that an `e` of
 * 255 is a power of two too, and no NaN.
 */
export const MXFP4: Codec = {
  name: "MXFP4",
  fileBlock: fileBlock("MXFP4", { offset: 0, type: "e8m0" }),
  code: LOOK_UP + code,
  quantized: true,
  layout: { quants: 16, high: 0, scales: { bytes: 4, blocks: 4 } },
  repack: {
    label: "repack_header",
    code: repack,
    constants: { HEADER: 1, PAYLOAD: 1 },
  },
  table: () => nibbleTable(VALUES),
  dequantize(bytes) {
    return decodeBlocks(this.fileBlock, bytes, (block, weights) => {
      const scale = 2 ** (block.getUint8(0) - 128);
      for (let i = 0; i < 16; i++) {
        const byte = block.getUint8(1 + i);
        weights[i] = scale * VALUES[byte & 15]!;
        weights[16 + i] = scale * VALUES[byte >> 4]!;
      }
    });
  },
};
