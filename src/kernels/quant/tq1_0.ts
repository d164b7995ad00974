import { type Codec, decodeBlocks, fileBlock } from "./codec.ts";
import repack from "./repack_tq1_0.wgsl" with { type: "text" };
import code from "./ternary.wgsl" with { type: "text" };

/** Where d starts, behind the quants. */
const D = 52;

/** TQ1_0: 256 digits of base 3 and an f16 scale, `w = d * (q - 1)`. */
export const TQ1_0: Codec = {
  name: "TQ1_0",
  fileBlock: fileBlock("TQ1_0", { offset: D, type: "f16" }),
  code,
  quantized: true,
  layout: { quants: 8, high: 0, scales: { bytes: 4, blocks: 16 } },
  repack: { label: "repack_tq1_0", code: repack },
  dequantize(bytes) {
    return decodeBlocks(this.fileBlock, bytes, (block, weights) => {
      const d = block.getFloat16(D, true);
      for (let i = 0; i < weights.length; i++) {
        const { byte, digit } = placeOf(i);
        // A byte is the fraction 0.abcde of base 3, in 256ths.
        const rest = block.getUint8(byte) * 3 ** digit & 255;
        weights[i] = d * ((rest * 3 >> 8) - 1);
      }
    });
  },
};

/** Which byte of a block holds weight `i`, and as which of its digits. */
function placeOf(i: number): { byte: number; digit: number } {
  if (i < 160) return { byte: i % 32, digit: i >> 5 };
  if (i < 240) return { byte: 32 + i % 16, digit: (i - 160) >> 4 };
  return { byte: 48 + i % 4, digit: (i - 240) >> 2 };
}
