import { type Codec, decodeBlocks, fileBlock } from "./codec.ts";
import code from "./iq2_xs.wgsl" with { type: "text" };
import { decodeGrid, gridTable, IQ2_XS_GRID } from "./iq_grids.ts";
import repack from "./repack_spans.wgsl" with { type: "text" };
import { evenSigns, signAt } from "./signs.ts";
import signs from "./signs.wgsl" with { type: "text" };

/** Where the scales start in a block. */
const SCALES = 66;

/** IQ2_XS: points of 8 magnitudes with signs, `w = d * (2 s + 1) / 8 * q`. */
export const IQ2_XS: Codec = {
  name: "IQ2_XS",
  fileBlock: fileBlock("IQ2_XS", { offset: 0, type: "f16" }),
  code: signs + code,
  quantized: true,
  layout: { quants: 8, high: 0, scales: { bytes: 12, blocks: 8 } },
  repack: {
    label: "repack_spans",
    code: repack,
    constants: { QUANTS: 4, QUANTS_AT: 2, HEADER: 2, HEADER_AT: SCALES },
  },
  table: () => gridTable(IQ2_XS_GRID),
  dequantize(bytes) {
    const grid = decodeGrid(IQ2_XS_GRID);
    return decodeBlocks(this.fileBlock, bytes, (block, weights) => {
      const d = block.getFloat16(0, true);
      for (let i = 0; i < weights.length; i++) {
        const half = block.getUint16(2 + (i >> 3) * 2, true);
        const sign = signAt(evenSigns(half >> 9), i & 7);
        const s = block.getUint8(SCALES + (i >> 5)) >> (i >> 4 & 1) * 4;
        const scale = d * (2 * (s & 15) + 1) / 8;
        const q = grid[(half & 511) * 8 + (i & 7)]!;
        weights[i] = scale * sign * q;
      }
    });
  },
};
