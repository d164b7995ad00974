import { type Codec, decodeBlocks, fileBlock } from "./codec.ts";
import code from "./q6_k.wgsl" with { type: "text" };
import planes from "./repack_planes.wgsl" with { type: "text" };
import repack from "./repack_q6_k.wgsl" with { type: "text" };

/** Where the parts of a block start: low nibbles, high bits, scales, d. */
const [HIGH, SCALES, D] = [128, 192, 208] as const;

/** Q6_K: 256 six-bit weights, `w = d * s * (q - 32)`, one `s` for 16 of them. */
export const Q6_K: Codec = {
  name: "Q6_K",
  fileBlock: fileBlock("Q6_K", { offset: D, type: "f16" }),
  code,
  quantized: true,
  layout: { quants: 16, high: 8, scales: { bytes: 20, blocks: 8 } },
  repack: { label: "repack_q6_k", code: planes + repack, parts: 2 },
  dequantize(bytes) {
    return decodeBlocks(this.fileBlock, bytes, (block, weights) => {
      const d = block.getFloat16(D, true);
      for (let i = 0; i < weights.length; i++) {
        const half = i >> 7;
        const k = (i >> 5) & 3;
        const l = i & 31;
        const byte = block.getUint8(half * 64 + (k & 1) * 32 + l);
        const low = (byte >> (k >> 1) * 4) & 15;
        const high = block.getUint8(HIGH + half * 32 + l) >> 2 * k & 3;
        const s = block.getInt8(SCALES + (i >> 4));
        weights[i] = Math.fround(d * s) *
          ((low | high << 4) - 32);
      }
    });
  },
};
