import { BLOCK, type Codec, decodeBlocks, fileBlock } from "./codec.ts";
import code from "./q8_0.wgsl" with { type: "text" };
import repack from "./repack_header.wgsl" with { type: "text" };

/** Q8_0: 32 signed bytes and an f16 scale, `w = d * q`. */
export const Q8_0: Codec = {
  name: "Q8_0",
  fileBlock: fileBlock("Q8_0", { offset: 0, type: "f16" }),
  code,
  quantized: true,
  layout: { quants: 32, high: 0, scales: { bytes: 4, blocks: 2 } },
  repack: {
    label: "repack_header",
    code: repack,
    constants: { HEADER: 2, PAYLOAD: 2 },
    alignment: 4, // of pairs of blocks
  },
  dequantize(bytes) {
    return decodeBlocks(this.fileBlock, bytes, (block, weights) => {
      const d = block.getFloat16(0, true);
      for (let i = 0; i < BLOCK; i++) {
        weights[i] = d * block.getInt8(2 + i);
      }
    });
  },
};
