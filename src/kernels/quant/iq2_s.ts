import { type Codec, decodeBlocks, fileBlock } from "./codec.ts";
import code from "./iq2_s.wgsl" with { type: "text" };
import { decodeGrid, gridTable, IQ2_S_GRID } from "./iq_grids.ts";
import repack from "./repack_iq2_s.wgsl" with { type: "text" };
import { signAt } from "./signs.ts";
import signs from "./signs.wgsl" with { type: "text" };

/** Where the parts of a block start behind the numbers of its points. */
const [SIGNS, HIGH, SCALES] = [34, 66, 74] as const;

/** IQ2_S: points of 8 magnitudes with signs, `w = d * (2 s + 1) / 8 * q`. */
export const IQ2_S: Codec = {
  name: "IQ2_S",
  fileBlock: fileBlock("IQ2_S", { offset: 0, type: "f16" }),
  code: signs + code,
  quantized: true,
  layout: { quants: 8, high: 0, scales: { bytes: 20, blocks: 8 } },
  repack: { label: "repack_iq2_s", code: repack },
  table: () => gridTable(IQ2_S_GRID),
  dequantize(bytes) {
    const grid = decodeGrid(IQ2_S_GRID);
    return decodeBlocks(this.fileBlock, bytes, (block, weights) => {
      const d = block.getFloat16(0, true);
      for (let i = 0; i < weights.length; i++) {
        const high = block.getUint8(HIGH + (i >> 5)) >> (i >> 3 & 3) * 2;
        const point = block.getUint8(2 + (i >> 3)) | (high & 3) << 8;
        const sign = signAt(block.getUint8(SIGNS + (i >> 3)), i & 7);
        const s = block.getUint8(SCALES + (i >> 5)) >> (i >> 4 & 1) * 4;
        const scale = d * (2 * (s & 15) + 1) / 8;
        weights[i] = scale * sign * grid[point * 8 + (i & 7)]!;
      }
    });
  },
};
