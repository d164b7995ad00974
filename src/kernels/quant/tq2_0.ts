import { type Codec, decodeBlocks, fileBlock } from "./codec.ts";
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
    return decodeBlocks(this.fileBlock, bytes, (block, weights) => {
      const d = block.getFloat16(D, true);
      for (let i = 0; i < weights.length; i++) {
        const byte = block.getUint8((i >> 7) * 32 + (i & 31));
        weights[i] = d * ((byte >> 2 * (i >> 5 & 3) & 3) - 1);
      }
    });
  },
};
