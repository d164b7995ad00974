import { BLOCK, type Codec, fileBlock } from "./codec.ts";
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
  repack: { label: "repack_q4_k", code: planes + repack },
  dequantize(bytes) {
    const { weights: count, bytes: size } = this.fileBlock;
    const weights = new Float32Array(bytes.length / size * count);
    for (let block = 0; block < weights.length / BLOCK; block++) {
      const start = (block >> 3) * size;
      const header = bytes.subarray(start, start + HEADER_BYTES);
      const { scale, min } = scaleMin(header, block & 7);
      // Two blocks share 32 bytes: the low nibbles, then the high ones.
      const low = start + HEADER_BYTES + (block >> 1 & 3) * BLOCK;
      for (let i = 0; i < BLOCK; i++) {
        const q = bytes[low + i]! >> 4 * (block & 1) & 15;
        weights[block * BLOCK + i] = scale * q - min;
      }
    }
    return weights;
  },
};
