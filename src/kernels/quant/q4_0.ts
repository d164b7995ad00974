import { type Codec, decodeBlocks, fileBlock } from "./codec.ts";
import code from "./q4_0.wgsl" with { type: "text" };
import repack from "./repack_header.wgsl" with { type: "text" };

/** Q4_0: 32 nibbles and an f16 scale, `w = d * (q - 8)`. */
export const Q4_0: Codec = {
  name: "Q4_0",
  fileBlock: fileBlock("Q4_0", { offset: 0, type: "f16" }),
  code,
  quantized: true,
  layout: { quants: 16, high: 0, scales: { bytes: 4, blocks: 2 } },
  repack: {
    label: "repack_header",
    code: repack,
    constants: { HEADER: 2, PAYLOAD: 1 },
    alignment: 4, // of pairs of blocks
  },
  dequantize(bytes) {
    return decodeBlocks(this.fileBlock, bytes, (block, weights) => {
      const d = block.getFloat16(0, true);
      for (let i = 0; i < 16; i++) {
        const byte = block.getUint8(2 + i);
        weights[i] = d * ((byte & 15) - 8);
        weights[16 + i] = d * ((byte >> 4) - 8);
      }
    });
  },
};
