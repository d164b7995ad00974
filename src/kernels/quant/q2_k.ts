import { type Codec, decodeBlocks, fileBlock } from "./codec.ts";
import code from "./q2_k.wgsl" with { type: "text" };
import planes from "./repack_planes.wgsl" with { type: "text" };
import repack from "./repack_q2_k.wgsl" with { type: "text" };

/** Where the parts of a block start, behind the scales: quants, d, dmin. */
const [QUANTS, D, DMIN] = [16, 80, 82] as const;

/** Q2_K: 256 two-bit weights, `w = d * s * q - dmin * m`, `s` and `m` for 16. */
export const Q2_K: Codec = {
  name: "Q2_K",
  fileBlock: fileBlock(
    "Q2_K",
    { offset: D, type: "f16" },
    { offset: DMIN, type: "f16" },
  ),
  code,
  quantized: true,
  layout: { quants: 8, high: 0, scales: { bytes: 20, blocks: 8 } },
  repack: { label: "repack_q2_k", code: planes + repack },
  dequantize(bytes) {
    return decodeBlocks(this.fileBlock, bytes, (block, weights) => {
      const d = block.getFloat16(D, true);
      const dmin = block.getFloat16(DMIN, true);
      for (let i = 0; i < weights.length; i++) {
        const byte = block.getUint8(QUANTS + (i >> 7) * 32 + (i & 31));
        const q = byte >> 2 * (i >> 5 & 3) & 3;
        const scale = block.getUint8(i >> 4);
        weights[i] = d * (scale & 15) * q - dmin * (scale >> 4);
      }
    });
  },
};
