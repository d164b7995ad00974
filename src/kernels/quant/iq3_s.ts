import { type Codec, decodeBlocks, fileBlock } from "./codec.ts";
import code from "./iq3_s.wgsl" with { type: "text" };
import { decodeGrid, gridTable, IQ3_S_GRID } from "./iq_grids.ts";
import repack from "./repack_iq3_s.wgsl" with { type: "text" };
import { signAt } from "./signs.ts";
import signs from "./signs.wgsl" with { type: "text" };

/** Where the parts of a block start behind the numbers of its points. */
const [HIGH, SIGNS, SCALES] = [66, 74, 106] as const;

/** IQ3_S: points of 4 magnitudes with signs, `w = d * (2 s + 1) * q`. */
export const IQ3_S: Codec = {
  name: "IQ3_S",
  fileBlock: fileBlock("IQ3_S", { offset: 0, type: "f16" }),
  code: signs + code,
  quantized: true,
  layout: { quants: 8, high: 4, scales: { bytes: 16, blocks: 8 } },
  repack: { label: "repack_iq3_s", code: repack },
  table: () => gridTable(IQ3_S_GRID),
  dequantize(bytes) {
    const grid = decodeGrid(IQ3_S_GRID);
    return decodeBlocks(this.fileBlock, bytes, (block, weights) => {
      const d = block.getFloat16(0, true);
      for (let i = 0; i < weights.length; i++) {
        const high = block.getUint8(HIGH + (i >> 5)) >> (i >> 2 & 7);
        const point = block.getUint8(2 + (i >> 2)) | (high & 1) << 8;
        const sign = signAt(block.getUint8(SIGNS + (i >> 3)), i & 7);
        const s = block.getUint8(SCALES + (i >> 6)) >> (i >> 5 & 1) * 4;
        const scale = d * (2 * (s & 15) + 1);
        weights[i] = scale * sign * grid[point * 4 + (i & 3)]!;
      }
    });
  },
};
