import { type Codec, decodeBlocks, fileBlock } from "./codec.ts";
import code from "./iq2_xxs.wgsl" with { type: "text" };
import { decodeGrid, gridTable, IQ2_XXS_GRID } from "./iq_grids.ts";
import repack from "./repack_spans.wgsl" with { type: "text" };
import { evenSigns, signAt } from "./signs.ts";
import signs from "./signs.wgsl" with { type: "text" };

/** IQ2_XXS: points of 8 magnitudes with signs, `w = d * (2 s + 1) / 8 * q`. */
export const IQ2_XXS: Codec = {
  name: "IQ2_XXS",
  fileBlock: fileBlock("IQ2_XXS", { offset: 0, type: "f16" }),
  code: signs + code,
  quantized: true,
  layout: { quants: 8, high: 0, scales: { bytes: 4, blocks: 8 } },
  repack: {
    label: "repack_spans",
    code: repack,
    constants: { QUANTS: 4, QUANTS_AT: 2 },
  },
  table: () => gridTable(IQ2_XXS_GRID),
  dequantize(bytes) {
    const grid = decodeGrid(IQ2_XXS_GRID);
    return decodeBlocks(this.fileBlock, bytes, (block, weights) => {
      const d = block.getFloat16(0, true);
      for (let i = 0; i < weights.length; i++) {
        const l = i >> 3 & 3;
        const eight = 2 + (i >> 5) * 8;
        const point = block.getUint8(eight + l);
        const word = block.getUint32(eight + 4, true);
        const sign = signAt(evenSigns(word >>> 7 * l & 127), i & 7);
        const scale = d * (2 * (word >>> 28) + 1) / 8;
        weights[i] = scale * sign * grid[point * 8 + (i & 7)]!;
      }
    });
  },
};
