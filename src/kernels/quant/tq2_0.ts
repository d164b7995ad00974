import { type Codec, fileBlock, viewOf } from "./codec.ts";
import planes from "./repack_planes.wgsl" with { type: "text" };
import repack from "./repack_tq2_0.wgsl" with { type: "text" };
import code from "./ternary.wgsl" with { type: "text" };

/** Where d starts, behind the quants. */
const D = 64;

/** TQ2_0: 256 two-bit weights and an f16 scale, `w = d * (q - 1)`. */
export const TQ2_0: Codec = {
  name: "TQ2_0",
  fileBlock: fileBlock("TQ2_0", { offset: D, type: "f16" }),
  code,
  quantized: true,
  layout: { quants: 8, high: 0, scales: { bytes: 4, blocks: 16 } },
  repack: { label: "repack_tq2_0", code: planes + repack },
  dequantize(bytes) {
    const view = viewOf(bytes);
    const { weights: count, bytes: size } = this.fileBlock;
    const weights = new Float32Array(bytes.length / size * count);
    for (let block = 0; block * size < bytes.length; block++) {
      const start = block * size;
      const d = view.getFloat16(start + D, true);
      for (let i = 0; i < count; i++) {
        const byte = view.getUint8(start + (i >> 7) * 32 + (i & 31));
        weights[block * count + i] = d * ((byte >> 2 * (i >> 5 & 3) & 3) - 1);
      }
    }
    return weights;
  },
};
