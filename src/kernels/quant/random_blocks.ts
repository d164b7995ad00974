import type { Codec, FileBlock } from "./codec.ts";

/** Options for {@linkcode randomBlocks}. */
export interface RandomBlocksOptions {
  /** How many weights, whole blocks. */
  weights: number;
  /** Of the random numbers. Defaults to 1. */
  seed?: number;
  /** What the floating-point numbers are multiplied with. Defaults to 1. */
  size?: number;
}

/**
 * Weights for tests and measurements: blocks of random bits as a file holds
 * them, but for the floating-point numbers among them, which are moderate.
 *
 * @param codec The format.
 * @param options How many weights, and of which size.
 * @returns The blocks.
 */
export function randomBlocks(
  { fileBlock }: Codec,
  { weights, seed = 1, size = 1 }: RandomBlocksOptions,
): Uint8Array<ArrayBuffer> {
  const { floats } = fileBlock;
  const blocks = weights / fileBlock.weights;
  const words = randomWords(Math.ceil(blocks * fileBlock.bytes / 4), seed);
  const bytes = new Uint8Array(words.buffer, 0, blocks * fileBlock.bytes);
  const view = new DataView(bytes.buffer);
  const values = randomWords(blocks * floats.length, seed ^ 0x9e3779b9);
  for (let block = 0; block < blocks; block++) {
    for (const [i, { offset, type }] of floats.entries()) {
      const word = values[block * floats.length + i]!;
      write(view, block * fileBlock.bytes + offset, { type, word, size });
    }
  }
  return bytes;
}

function write(
  view: DataView,
  at: number,
  { type, word, size }: {
    type: FileBlock["floats"][number]["type"];
    word: number;
    size: number;
  },
): void {
  // The sum of two halves: roughly normal, and never zero.
  const value = size * ((word & 0xffff) + (word >>> 16) - 65534.5) / 2 ** 15;
  switch (type) {
    case "f32":
      return view.setFloat32(at, value, true);
    case "f16":
      return view.setFloat16(at, value / 8, true);
    case "bf16":
      return view.setUint16(at, bitsOf(value) >>> 16, true);
    case "e8m0":
      return view.setUint8(at, 118 + word % 8 + Math.round(Math.log2(size)));
    case "f16 in nibbles": {
      const bits = new DataView(new ArrayBuffer(2));
      bits.setFloat16(0, value / 8);
      for (let i = 0; i < 4; i++) {
        const nibble = bits.getUint16(0) >> 4 * i & 15;
        view.setUint8(
          at + 2 * i + 1,
          view.getUint8(at + 2 * i + 1) & 15 | nibble << 4,
        );
      }
    }
  }
}

function bitsOf(value: number): number {
  return new Uint32Array(Float32Array.of(value).buffer)[0]!;
}

/** Seeded words: xorshift32. */
function randomWords(length: number, seed: number): Uint32Array<ArrayBuffer> {
  let state = seed | 1;
  for (let i = 0; i < 8; i++) next();
  return Uint32Array.from({ length }, next);

  function next() {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state;
  }
}
