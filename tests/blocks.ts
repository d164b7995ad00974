/** Raw blocks of one format, and the weights that gguf-py reads in them. */
export interface BlockGolden {
  /** The format's name in ggml. */
  type: string;
  /** The blocks as they lie in a file. */
  bytes: Uint8Array<ArrayBuffer>;
  /** What they stand for, exactly. */
  values: Float32Array<ArrayBuffer>;
}

/** Where the goldens lie, one file a format. */
const FOLDER = new URL("./fixtures/goldens/blocks/", import.meta.url);

/** One golden a format; F32 needs none, and gguf-py knew no MXFP4. */
export const BLOCK_GOLDENS: readonly BlockGolden[] = [
  ...Deno.readDirSync(FOLDER),
]
  .map(({ name }) => {
    const text = Deno.readTextFileSync(new URL(name, FOLDER));
    const { type, hex, values } = JSON.parse(text);
    return {
      type,
      bytes: Uint8Array.fromHex(hex),
      values: Float32Array.from(values),
    };
  });

/** The bits of floats, which tell -0 from 0 and one NaN from another. */
export function bitsOf(values: Float32Array): Uint32Array {
  const { buffer, byteOffset, length } = values;
  return new Uint32Array(buffer, byteOffset, length);
}

/** The bits of weights from the GPU: an offset, 8 * d - 8 * d, makes -0 a 0. */
export function weightBits(values: Float32Array): Uint32Array {
  return bitsOf(values.map((value) => value + 0));
}
