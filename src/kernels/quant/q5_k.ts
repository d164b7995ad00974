import { BLOCK, type Codec, decodeBlocks, fileBlock } from "./codec.ts";
import { HEADER_BYTES, SCALE_MIN, scaleMin } from "./scale_min.ts";
import code from "./q5_k.wgsl" with { type: "text" };
import planes from "./repack_planes.wgsl" with { type: "text" };
import repack from "./repack_q5_k.wgsl" with { type: "text" };

/** Where the low nibbles start, behind the header and the high bits. */
const LOW = HEADER_BYTES + BLOCK;

/** Q5_K: 256 five-bit weights, `w = d * s * q - dmin * m`, `s` and `m` for 32. */
export const Q5_K: Codec = {
  name: "Q5_K",
  fileBlock: fileBlock(
    "Q5_K",
    { offset: 0, type: "f16" },
    { offset: 2, type: "f16" },
  ),
  code: SCALE_MIN + code,
  quantized: true,
  layout: { quants: 16, high: 4, scales: { bytes: 16, blocks: 8 } },
  repack: { label: "repack_q5_k", code: planes + repack, parts: 2 },
  dequantize(bytes) {
    return decodeBlocks(this.fileBlock, bytes, (block, weights) => {
      for (let i = 0; i < weights.length; i++) {
        const { scale, min } = scaleMin(block, i >> 5);
        // Two blocks of 32 share 32 bytes of low bits, eight those of high bits.
        const byte = block.getUint8(LOW + (i >> 6) * BLOCK + i % BLOCK);
        const high = block.getUint8(HEADER_BYTES + i % BLOCK) >> (i >> 5) & 1;
        const q = byte >> 4 * (i >> 5 & 1) & 15 | high << 4;
        weights[i] = scale * q - min;
      }
    });
  },
};
