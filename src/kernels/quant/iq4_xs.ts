import { BLOCK, type Codec, fileBlock, viewOf } from "./codec.ts";
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
    constants: { QUANTS: 32, QUANTS_AT: NIBBLES, HEADER: 2, HAS_D: 0 },
  },
  table: () => nibbleTable(IQ4_VALUES),
  dequantize(bytes) {
    const view = viewOf(bytes);
    const { weights: count, bytes: size } = this.fileBlock;
    const weights = new Float32Array(bytes.length / size * count);
    for (let block = 0; block < weights.length / BLOCK; block++) {
      const start = (block >> 3) * size;
      const b = block & 7;
      const low = view.getUint32(start + LOW, true) >>> 4 * b & 15;
      const high = view.getUint16(start + HIGH, true) >> 2 * b & 3;
      const scale = view.getFloat16(start, true) * ((low | high << 4) - 32);
      for (let i = 0; i < 16; i++) {
        const byte = view.getUint8(start + NIBBLES + b * 16 + i);
        weights[block * BLOCK + i] = scale * IQ4_VALUES[byte & 15]!;
        weights[block * BLOCK + 16 + i] = scale * IQ4_VALUES[byte >> 4]!;
      }
    }
    return weights;
  },
};
