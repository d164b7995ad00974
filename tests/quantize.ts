import type { Codec } from "../src/kernels/quant/codec.ts";
import { CODECS } from "../src/kernels/quant/codecs.ts";
import { randomBlocks } from "../src/kernels/quant/random_blocks.ts";

/** Weights of a block in Q8_0 and Q4_0. */
const BLOCK = 32;

/**
 * Packs weights as a GGUF file holds them.
 *
 * @param format The name of a format that has kernels.
 * @param values The weights, whole blocks of them.
 * @returns Their bytes. What they stand for is known exactly to the codec's
 * `dequantize()`; it is near the weights in F32, F16, BF16, Q8_0 and Q4_0, and
 * only as large as they are on the whole in the others.
 * @throws {TypeError} If the format has no kernels.
 */
export function quantize(
  format: string,
  values: ArrayLike<number>,
): Uint8Array<ArrayBuffer> {
  const codec = CODECS.get(format);
  if (codec === undefined) {
    throw new TypeError(
      `Cannot pack weights as "${format}": one of ${
        [...CODECS.keys()].join(", ")
      } is wanted`,
    );
  }
  const pack = PACKERS[format];
  if (pack === undefined) return randomWeights(codec, values);
  const { weights, bytes: blockBytes } = codec.fileBlock;
  const bytes = new Uint8Array(values.length / weights * blockBytes);
  pack(new DataView(bytes.buffer), values);
  return bytes;
}

/** Random blocks of weights that are as large as the given ones on the whole. */
function randomWeights(
  codec: Codec,
  values: ArrayLike<number>,
): Uint8Array<ArrayBuffer> {
  const rms = (weights: ArrayLike<number>) =>
    Math.sqrt(
      Array.from(weights).reduce((sum, w) => sum + w * w, 0) / weights.length,
    );
  const options = { weights: values.length, seed: values.length };
  const drawn = rms(codec.dequantize(randomBlocks(codec, options)));
  return randomBlocks(codec, { ...options, size: rms(values) / drawn });
}

type Pack = (view: DataView, values: ArrayLike<number>) => void;

const PACKERS: Readonly<Record<string, Pack>> = {
  F32(view, values) {
    for (let i = 0; i < values.length; i++) {
      view.setFloat32(4 * i, values[i]!, true);
    }
  },
  F16(view, values) {
    for (let i = 0; i < values.length; i++) {
      view.setFloat16(2 * i, values[i]!, true);
    }
  },
  BF16(view, values) {
    // The upper half of an f32.
    const word = new DataView(new ArrayBuffer(4));
    for (let i = 0; i < values.length; i++) {
      word.setFloat32(0, values[i]!);
      view.setUint16(2 * i, word.getUint16(0), true);
    }
  },
  Q8_0(view, values) {
    for (let first = 0; first < values.length; first += BLOCK) {
      const at = first / BLOCK * 34;
      const scale = largest(values, first) / 127;
      view.setFloat16(at, scale, true);
      for (let i = 0; i < BLOCK; i++) {
        view.setInt8(at + 2 + i, Math.round(values[first + i]! / scale));
      }
    }
  },
  Q4_0(view, values) {
    for (let first = 0; first < values.length; first += BLOCK) {
      const at = first / BLOCK * 18;
      const scale = largest(values, first) / 7;
      const nibble = (i: number) =>
        Math.max(0, Math.min(15, Math.round(values[first + i]! / scale) + 8));
      view.setFloat16(at, scale, true);
      // The first half of the block lies in the low nibbles.
      for (let i = 0; i < BLOCK / 2; i++) {
        view.setUint8(at + 2 + i, nibble(i) | nibble(i + BLOCK / 2) << 4);
      }
    }
  },
};

function largest(values: ArrayLike<number>, first: number): number {
  let most = 0;
  for (let i = first; i < first + BLOCK; i++) {
    most = Math.max(most, Math.abs(values[i]!));
  }
  return most;
}
