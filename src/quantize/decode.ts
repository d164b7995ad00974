import { fromHalf } from "./rounding.ts";

/**
 * Unpacks weights.
 *
 * @param bytes Whole blocks, in a buffer of their own.
 * @returns The weights as 32-bit floats, exactly; of F32 they share the buffer.
 */
export type Decode = (bytes: Uint8Array<ArrayBuffer>) => Float32Array;

/**
 * Makes what unpacks the weights of a format.
 *
 * @param format ggml's name of the format.
 * @returns The function.
 * @throws {TypeError} If there is no way to unpack it.
 */
export async function decoderOf(format: string): Promise<Decode> {
  if (format === "F32") return ({ buffer }) => new Float32Array(buffer);
  if (format === "F16") return decodeHalves();
  if (format === "BF16") return decodeBfloats;
  // All of the kernels' codecs, only for what is quantized once more.
  const { CODECS } = await import("../kernels/quant/codecs.ts");
  const codec = CODECS.get(format);
  if (codec === undefined) {
    throw new TypeError(
      `Cannot unpack weights: their format is "${format}", ` +
        `one of ${[...CODECS.keys()].join(", ")} is wanted`,
    );
  }
  return (bytes) => codec.dequantize(bytes);
}

function decodeHalves(): Decode {
  const values = Float32Array.from({ length: 65_536 }, (_, i) => fromHalf(i));
  return ({ buffer }) => {
    const halves = new Uint16Array(buffer);
    const weights = new Float32Array(halves.length);
    for (let i = 0; i < halves.length; i++) weights[i] = values[halves[i]!]!;
    return weights;
  };
}

function decodeBfloats({ buffer }: Uint8Array<ArrayBuffer>): Float32Array {
  const upper = new Uint16Array(buffer);
  const bits = new Uint32Array(upper.length);
  for (let i = 0; i < upper.length; i++) bits[i] = upper[i]! << 16;
  return new Float32Array(bits.buffer);
}
