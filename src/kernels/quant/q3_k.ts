import { type Codec, decodeBlocks, fileBlock } from "./codec.ts";
import code from "./q3_k.wgsl" with { type: "text" };
import planes from "./repack_planes.wgsl" with { type: "text" };
import repack from "./repack_q3_k.wgsl" with { type: "text" };

/** Where the parts of a block start, behind the high bits. */
const [LOW, SCALES, D] = [32, 96, 108] as const;

/** Q3_K: 256 three-bit weights, `w = d * (s - 32) * (q - 4)`, one `s` for 16. */
export const Q3_K: Codec = {
  name: "Q3_K",
  fileBlock: fileBlock("Q3_K", { offset: D, type: "f16" }),
  code,
  quantized: true,
  layout: { quants: 8, high: 4, scales: { bytes: 16, blocks: 8 } },
  repack: { label: "repack_q3_k", code: planes + repack },
  dequantize(bytes) {
    return decodeBlocks(this.fileBlock, bytes, (block, weights) => {
      const d = block.getFloat16(D, true);
      for (let i = 0; i < weights.length; i++) {
        const byte = block.getUint8(LOW + (i >> 7) * 32 + (i & 31));
        const low = byte >> 2 * (i >> 5 & 3) & 3;
        const high = block.getUint8(i & 31) >> (i >> 5) & 1;
        const scale = d * (scaleAt(block, SCALES, i >> 4) - 32);
        weights[i] = scale * ((low | high << 2) - 4);
      }
    });
  },
};

/** The six bits of scale `i` of 16: four in one byte, two in another. */
function scaleAt(view: DataView, start: number, i: number): number {
  const low = view.getUint8(start + i % 8) >> 4 * (i >> 3) & 15;
  const high = view.getUint8(start + 8 + i % 4) >> 2 * (i >> 2) & 3;
  return low | high << 4;
}
