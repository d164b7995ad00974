import { BLOCK, type Codec, decodeBlocks, fileBlock } from "./codec.ts";
import { HEADER_BYTES, SCALE_MIN, scaleMin } from "./scale_min.ts";
import code from "./q4_k.wgsl" with { type: "text" };
import planes from "./repack_planes.wgsl" with { type: "text" };
import repack from "./repack_q4_k.wgsl" with { type: "text" };

/** Q4_K: 256 nibbles, `w = d * s * q - dmin * m`, one `s` and `m` for 32. */
export const Q4_K: Codec = {
  name: "Q4_K",
  fileBlock: fileBlock(
    "Q4_K",
    { offset: 0, type: "f16" },
    { offset: 2, type: "f16" },
  ),
  code: SCALE_MIN + code,
  quantized: true,
  layout: { quants: 16, high: 0, scales: { bytes: 16, blocks: 8 } },
  repack: { label: "repack_q4_k", code: planes + repack, parts: 4 },
  dequantize(bytes) {
    return decodeBlocks(this.fileBlock, bytes, (block, weights) => {
      for (let i = 0; i < weights.length; i++) {
        const { scale, min } = scaleMin(block, i >> 5);
        // Two blocks of 32 share 32 bytes: the low nibbles, then the high ones.
        const byte = block.getUint8(
          HEADER_BYTES + (i >> 6) * BLOCK + i % BLOCK,
        );
        weights[i] = scale * (byte >> 4 * (i >> 5 & 1) & 15) - min;
      }
    });
  },
};
