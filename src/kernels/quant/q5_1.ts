import { BLOCK, type Codec, decodeBlocks, fileBlock } from "./codec.ts";
import code from "./q5_1.wgsl" with { type: "text" };
import repack from "./repack_q5.wgsl" with { type: "text" };

/** Q5_1: 32 five-bit weights, an f16 scale and minimum, `w = d * q + m`. */
export const Q5_1: Codec = {
  name: "Q5_1",
  fileBlock: fileBlock(
    "Q5_1",
    { offset: 0, type: "f16" },
    { offset: 2, type: "f16" },
  ),
  code,
  quantized: true,
  layout: { quants: 16, high: 4, scales: { bytes: 4, blocks: 1 } },
  repack: { label: "repack_q5", code: repack, constants: { HEADER: 4 } },
  dequantize(bytes) {
    return decodeBlocks(this.fileBlock, bytes, (block, weights) => {
      const d = block.getFloat16(0, true);
      const m = block.getFloat16(2, true);
      const high = block.getUint32(4, true);
      for (let i = 0; i < BLOCK; i++) {
        const byte = block.getUint8(8 + i % 16);
        const q = (i < 16 ? byte & 15 : byte >> 4) | (high >>> i & 1) << 4;
        weights[i] = d * q + m;
      }
    });
  },
};
