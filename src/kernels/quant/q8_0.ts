import { BLOCK, type Codec, fileBlock, viewOf } from "./codec.ts";
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
    constants: { HEADER: 2, PAYLOAD: 8 },
  },
  dequantize(bytes) {
    const view = viewOf(bytes);
    const size = this.fileBlock.bytes;
    const weights = new Float32Array(bytes.length / size * BLOCK);
    for (let block = 0; block * size < bytes.length; block++) {
      const d = view.getFloat16(block * size, true);
      for (let i = 0; i < BLOCK; i++) {
        weights[block * BLOCK + i] = d * view.getInt8(block * size + 2 + i);
      }
    }
    return weights;
  },
};
