import { BLOCK, type Codec, fileBlock, viewOf } from "./codec.ts";
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
    const view = viewOf(bytes);
    const size = this.fileBlock.bytes;
    const weights = new Float32Array(bytes.length / size * BLOCK);
    for (let block = 0; block * size < bytes.length; block++) {
      const d = view.getFloat16(block * size, true);
      const m = view.getFloat16(block * size + 2, true);
      const high = view.getUint32(block * size + 4, true);
      for (let i = 0; i < BLOCK; i++) {
        const byte = view.getUint8(block * size + 8 + i % 16);
        const q = (i < 16 ? byte & 15 : byte >> 4) | (high >>> i & 1) << 4;
        weights[block * BLOCK + i] = d * q + m;
      }
    }
    return weights;
  },
};
