import { type Codec, decodeBlocks, fileBlock } from "./codec.ts";
import points from "./iq1_points.wgsl" with { type: "text" };
import code from "./iq1_m.wgsl" with { type: "text" };
import { decodeGrid, IQ1_GRID, iq1Table } from "./iq_grids.ts";
import repack from "./repack_spans.wgsl" with { type: "text" };

/** Where the parts of a block start behind the numbers of its points. */
const [HIGH, SCALES] = [32, 48] as const;

/** IQ1_M: points of 8 weights, `w = d * (2 s + 1) * (g +- 1/8)`. */
export const IQ1_M: Codec = {
  name: "IQ1_M",
  fileBlock: fileBlock("IQ1_M", { offset: SCALES, type: "f16 in nibbles" }),
  code: points + code,
  quantized: true,
  layout: { quants: 4, high: 0, scales: { bytes: 24, blocks: 8 } },
  repack: {
    label: "repack_spans",
    code: repack,
    constants: {
      QUANTS: 2,
      QUANTS_AT: 0,
      HEADER: 6,
      HEADER_AT: HIGH,
      HAS_D: 0,
    },
  },
  table: iq1Table,
  dequantize(bytes) {
    const grid = decodeGrid(IQ1_GRID);
    return decodeBlocks(this.fileBlock, bytes, (block, weights) => {
      const d = sharedScale(block, SCALES);
      for (let i = 0; i < weights.length; i++) {
        const high = block.getUint8(HIGH + (i >> 4)) >> (i >> 3 & 1) * 4;
        const point = block.getUint8(i >> 3) | (high & 7) << 8;
        const delta = (high & 8) !== 0 ? -0.125 : 0.125;
        const half = block.getUint16(SCALES + (i >> 6) * 2, true);
        const scale = d * (2 * (half >> 3 * (i >> 4 & 3) & 7) + 1);
        weights[i] = scale *
          (grid[point * 8 + (i & 7)]! + delta);
      }
    });
  },
};

/** The f16 in the upper nibbles of four 16-bit words, the lowest first. */
function sharedScale(view: DataView, at: number): number {
  const f16 = new DataView(new ArrayBuffer(2));
  let bits = 0;
  for (let i = 0; i < 4; i++) {
    bits |= view.getUint8(at + 2 * i + 1) >> 4 << 4 * i;
  }
  f16.setUint16(0, bits);
  return f16.getFloat16(0);
}
