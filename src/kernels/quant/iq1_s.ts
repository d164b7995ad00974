import { type Codec, fileBlock, viewOf } from "./codec.ts";
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
    constants: { QUANTS: 8, QUANTS_AT: 2, HEADER: 4, HEADER_AT: HEADER },
  },
  table: iq1Table,
  dequantize(bytes) {
    const grid = decodeGrid(IQ1_GRID);
    const view = viewOf(bytes);
    const { weights: count, bytes: size } = this.fileBlock;
    const weights = new Float32Array(bytes.length / size * count);
    for (let block = 0; block * size < bytes.length; block++) {
      const start = block * size;
      const d = view.getFloat16(start, true);
      for (let i = 0; i < count; i++) {
        const half = view.getUint16(start + HEADER + (i >> 5) * 2, true);
        const high = half >> 3 * (i >> 3 & 3) & 7;
        const point = view.getUint8(start + 2 + (i >> 3)) | high << 8;
        const delta = half >> 15 === 1 ? -0.125 : 0.125;
        const scale = d * (2 * (half >> 12 & 7) + 1);
        weights[block * count + i] = scale *
          (grid[point * 8 + (i & 7)]! + delta);
      }
    }
    return weights;
  },
};
