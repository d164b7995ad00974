import { type Codec, fileBlock, viewOf } from "./codec.ts";
import code from "./f16.wgsl" with { type: "text" };

/** F16: IEEE half precision. */
export const F16: Codec = {
  name: "F16",
  fileBlock: fileBlock("F16", { offset: 0, type: "f16" }),
  code,
  quantized: false,
  layout: { quants: 64, high: 0, scales: undefined },
  repack: undefined,
  dequantize(bytes) {
    const view = viewOf(bytes);
    return Float32Array.from(
      { length: bytes.length / 2 },
      (_, i) => view.getFloat16(2 * i, true),
    );
  },
};
