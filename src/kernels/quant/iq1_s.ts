import { type Codec, decodeBlocks, fileBlock } from "./codec.ts";
import points from "./iq1_points.wgsl" with { type: "text" };
import code from "./iq1_s.wgsl" with { type: "text" };
import { decodeGrid, IQ1_GRID, iq1Table } from "./iq_grids.ts";
import repack from "./repack_spans.wgsl" with { type: "text" };

/** Where the halves of high bits and scales start in a block. */
const HEADER = 34;

/** IQ1_S: points of 8 weights, `w = d * (2 s + 1) * (g +- 1/8)`. */
export const IQ1_S: Codec = {
  name: "IQ1_S",
  fileBlock: fileBlock("IQ1_S", { offset: 0, type: "f16" }),
  code: points + code,
  quantized: true,
  layout: { quants: 4, high: 0, scales: { bytes: 20, blocks: 8 } },
  repack: {
    label: "repack_spans",
    code: repack,
    constants: { QUANTS: 2, QUANTS_AT: 2, HEADER: 4, HEADER_AT: HEADER },
  },
  table: iq1Table,
  dequantize(bytes) {
    const grid = decodeGrid(IQ1_GRID);
    return decodeBlocks(this.fileBlock, bytes, (block, weights) => {
      const d = block.getFloat16(0, true);
      for (let i = 0; i < weights.length; i++) {
        const half = block.getUint16(HEADER + (i >> 5) * 2, true);
        const high = half >> 3 * (i >> 3 & 3) & 7;
        const point = block.getUint8(2 + (i >> 3)) | high << 8;
        const delta = half >> 15 === 1 ? -0.125 : 0.125;
        const scale = d * (2 * (half >> 12 & 7) + 1);
        weights[i] = scale *
          (grid[point * 8 + (i & 7)]! + delta);
      }
    });
  },
};
