import { type Codec, decodeBlocks, fileBlock } from "./codec.ts";
import code from "./iq3_xxs.wgsl" with { type: "text" };
import { decodeGrid, gridTable, IQ3_XXS_GRID } from "./iq_grids.ts";
import repack from "./repack_iq3_xxs.wgsl" with { type: "text" };
import { evenSigns, signAt } from "./signs.ts";
import signs from "./signs.wgsl" with { type: "text" };

/** Where the words of signs and scales start in a block. */
const SIGNS = 66;

/** IQ3_XXS: points of 4 magnitudes with signs, `w = d * (2 s + 1) / 4 * q`. */
export const IQ3_XXS: Codec = {
  name: "IQ3_XXS",
  fileBlock: fileBlock("IQ3_XXS", { offset: 0, type: "f16" }),
  code: signs + code,
  quantized: true,
  layout: { quants: 8, high: 4, scales: { bytes: 4, blocks: 8 } },
  repack: { label: "repack_iq3_xxs", code: repack },
  table: () => gridTable(IQ3_XXS_GRID),
  dequantize(bytes) {
    const grid = decodeGrid(IQ3_XXS_GRID);
    return decodeBlocks(this.fileBlock, bytes, (block, weights) => {
      const d = block.getFloat16(0, true);
      for (let i = 0; i < weights.length; i++) {
        const point = block.getUint8(2 + (i >> 2));
        const word = block.getUint32(SIGNS + (i >> 5) * 4, true);
        const seven = word >>> 7 * (i >> 3 & 3) & 127;
        const sign = signAt(evenSigns(seven), i & 7);
        const scale = d * (2 * (word >>> 28) + 1) / 4;
        weights[i] = scale * sign * grid[point * 4 + (i & 3)]!;
      }
    });
  },
};
