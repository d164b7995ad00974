import { type Codec, decodeBlocks, fileBlock } from "./codec.ts";
import code from "./iq4_nl.wgsl" with { type: "text" };
import { LOOK_UP, nibbleTable } from "./nibble_table.ts";
import repack from "./repack_header.wgsl" with { type: "text" };

/** What the nibbles of IQ4_NL and IQ4_XS stand for: denser towards zero. */
// deno-fmt-ignore
export const IQ4_VALUES: readonly number[] = [
  -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
];

/** IQ4_NL: 32 nibbles of a table and an f16 scale, `w = d * value[q]`. */
export const IQ4_NL: Codec = {
  name: "IQ4_NL",
  fileBlock: fileBlock("IQ4_NL", { offset: 0, type: "f16" }),
  code: LOOK_UP + code,
  quantized: true,
  layout: { quants: 16, high: 0, scales: { bytes: 4, blocks: 2 } },
  repack: {
    label: "repack_header",
    code: repack,
    constants: { HEADER: 2, PAYLOAD: 1 },
    alignment: 4, // of pairs of blocks
  },
  table: () => nibbleTable(IQ4_VALUES),
  dequantize(bytes) {
    return decodeBlocks(this.fileBlock, bytes, (block, weights) => {
      const d = block.getFloat16(0, true);
      for (let i = 0; i < 16; i++) {
        const byte = block.getUint8(2 + i);
        weights[i] = d * IQ4_VALUES[byte & 15]!;
        weights[16 + i] = d * IQ4_VALUES[byte >> 4]!;
      }
    });
  },
};
