import { type Codec, decodeBlocks, fileBlock } from "./codec.ts";
import code from "./q4_1.wgsl" with { type: "text" };
import repack from "./repack_header.wgsl" with { type: "text" };

/** Q4_1: 32 nibbles, an f16 scale and an f16 minimum, `w = d * q + m`. */
export const Q4_1: Codec = {
  name: "Q4_1",
  fileBlock: fileBlock(
    "Q4_1",
    { offset: 0, type: "f16" },
    { offset: 2, type: "f16" },
  ),
  code,
  quantized: true,
  layout: { quants: 16, high: 0, scales: { bytes: 4, blocks: 1 } },
  repack: {
    label: "repack_header",
    code: repack,
    constants: { HEADER: 4, PAYLOAD: 1 },
  },
  dequantize(bytes) {
    return decodeBlocks(this.fileBlock, bytes, (block, weights) => {
      const d = block.getFloat16(0, true);
      const m = block.getFloat16(2, true);
      for (let i = 0; i < 16; i++) {
        const byte = block.getUint8(4 + i);
        weights[i] = d * (byte & 15) + m;
        weights[16 + i] = d * (byte >> 4) + m;
      }
    });
  },
};
