import { type Codec, fileBlock, viewOf } from "./codec.ts";
import code from "./f32.wgsl" with { type: "text" };

/** F32: IEEE single precision, as it is. */
export const F32: Codec = {
  name: "F32",
  fileBlock: fileBlock("F32", { offset: 0, type: "f32" }),
  code,
  quantized: false,
  layout: { quants: 128, high: 0, scales: undefined },
  repack: undefined,
  dequantize(bytes) {
    const view = viewOf(bytes);
    return Float32Array.from(
      { length: bytes.length / 4 },
      (_, i) => view.getFloat32(4 * i, true),
    );
  },
};
