import { BLOCK, type Codec, fileBlock, viewOf } from "./codec.ts";
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
    constants: { HEADER: 2, PAYLOAD: 4 },
  },
  dequantize(bytes) {
    const view = viewOf(bytes);
    const size = this.fileBlock.bytes;
    const weights = new Float32Array(bytes.length / size * BLOCK);
    for (let block = 0; block * size < bytes.length; block++) {
      const d = view.getFloat16(block * size, true);
      for (let i = 0; i < 16; i++) {
        const byte = view.getUint8(block * size + 2 + i);
        weights[block * BLOCK + i] = d * ((byte & 15) - 8);
        weights[block * BLOCK + 16 + i] = d * ((byte >> 4) - 8);
      }
    }
    return weights;
  },
};
