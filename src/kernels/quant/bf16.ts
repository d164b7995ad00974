import { type Codec, fileBlock, viewOf } from "./codec.ts";
import code from "./bf16.wgsl" with { type: "text" };

/** BF16: the upper half of an F32. */
export const BF16: Codec = {
  name: "BF16",
  fileBlock: fileBlock("BF16", { offset: 0, type: "bf16" }),
  code,
  quantized: false,
  layout: { quants: 64, high: 0, scales: undefined },
  repack: undefined,
  dequantize(bytes) {
    const view = viewOf(bytes);
    const words = Uint32Array.from(
      { length: bytes.length / 2 },
      (_, i) => view.getUint16(2 * i, true) << 16,
    );
    return new Float32Array(words.buffer);
  },
};
