import { BLOCK, type Codec, decodeBlocks, fileBlock } from "./codec.ts";
import code from "./q5_0.wgsl" with { type: "text" };
import repack from "./repack_q5.wgsl" with { type: "text" };

/** Q5_0: 32 five-bit weights and an f16 scale, `w = d * (q - 16)`. */
export const Q5_0: Codec = {
  name: "Q5_0",
  fileBlock: fileBlock("Q5_0", { offset: 0, type: "f16" }),
  code,
  quantized: true,
  layout: { quants: 16, high: 4, scales: { bytes: 4, blocks: 2 } },
  repack: { label: "repack_q5", code: repack, constants: { HEADER: 2 } },
  dequantize(bytes) {
    return decodeBlocks(this.fileBlock, bytes, (block, weights) => {
      const d = block.getFloat16(0, true);
      const high = block.getUint32(2, true);
      for (let i = 0; i < BLOCK; i++) {
        const byte = block.getUint8(6 + i % 16);
        const q = (i < 16 ? byte & 15 : byte >> 4) | (high >>> i & 1) << 4;
        weights[i] = d * (q - 16);
      }
    });
  },
};
