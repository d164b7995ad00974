import { type Codec, decodeBlocks, fileBlock } from "./codec.ts";
import { IQ4_VALUES } from "./iq4_nl.ts";
import code from "./iq4_xs.wgsl" with { type: "text" };
import { LOOK_UP, nibbleTable } from "./nibble_table.ts";
import repack from "./repack_spans.wgsl" with { type: "text" };

/** Where the parts of a block start: d, high and low bits of s, nibbles. */
const [HIGH, LOW, NIBBLES] = [2, 4, 8] as const;

/** IQ4_XS: 256 nibbles of a table, `w = d * (s - 32) * value[q]`, `s` for 32. */
export const IQ4_XS: Codec = {
  name: "IQ4_XS",
  fileBlock: fileBlock("IQ4_XS", { offset: 0, type: "f16" }),
  code: LOOK_UP + code,
  quantized: true,
  layout: { quants: 16, high: 0, scales: { bytes: 8, blocks: 8 } },
  repack: {
    label: "repack_spans",
    code: repack,
    constants: { QUANTS: 8, QUANTS_AT: NIBBLES, HEADER: 2, HAS_D: 0 },
  },
  table: () => nibbleTable(IQ4_VALUES),
  dequantize(bytes) {
    return decodeBlocks(this.fileBlock, bytes, (block, weights) => {
      const d = block.getFloat16(0, true);
      for (let i = 0; i < weights.length; i++) {
        const b = i >> 5;
        const low = block.getUint32(LOW, true) >>> 4 * b & 15;
        const high = block.getUint16(HIGH, true) >> 2 * b & 3;
        const byte = block.getUint8(NIBBLES + b * 16 + i % 16);
        const q = IQ4_VALUES[byte >> 4 * (i >> 4 & 1) & 15]!;
        weights[i] = d * ((low | high << 4) - 32) * q;
      }
    });
  },
};
