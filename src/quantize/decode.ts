import { fromHalf } from "./rounding.ts";

/** Unpacks weights of one format after the other, into the same memory. */
export class Decoder {
  readonly #tables = new Map<string, Promise<Decode>>();
  #room = new Float32Array();

  /**
   * Unpacks weights.
   *
   * @param format ggml's name of the format.
   * @param bytes Whole blocks, in a buffer of their own.
   * @returns The weights as 32-bit floats, exactly; valid until the next call.
   * @throws {TypeError} If there is no way to unpack the format.
   */
  async decode(
    format: string,
    bytes: Uint8Array<ArrayBuffer>,
  ): Promise<Float32Array> {
    let decode = this.#tables.get(format);
    if (decode === undefined) {
      decode = decodeOf(format);
      this.#tables.set(format, decode);
    }
    return (await decode)(bytes, (count) => {
      if (this.#room.length < count) this.#room = new Float32Array(count);
      return this.#room.subarray(0, count);
    });
  }
}

/** Unpacks bytes into memory for so many weights. */
type Decode = (
  bytes: Uint8Array<ArrayBuffer>,
  roomFor: (count: number) => Float32Array<ArrayBuffer>,
) => Float32Array;

async function decodeOf(format: string): Promise<Decode> {
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
  return ({ buffer }, roomFor) => {
    const halves = new Uint16Array(buffer);
    const weights = roomFor(halves.length);
    for (let i = 0; i < halves.length; i++) weights[i] = values[halves[i]!]!;
    return weights;
  };
}

const decodeBfloats: Decode = ({ buffer }, roomFor) => {
  const upper = new Uint16Array(buffer);
  const weights = roomFor(upper.length);
  const bits = new Uint32Array(weights.buffer, 0, upper.length);
  for (let i = 0; i < upper.length; i++) bits[i] = upper[i]! << 16;
  return weights;
};
