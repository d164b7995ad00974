import bf16 from "./fixtures/goldens/blocks/BF16.json" with { type: "json" };
import f16 from "./fixtures/goldens/blocks/F16.json" with { type: "json" };
import q4 from "./fixtures/goldens/blocks/Q4_0.json" with { type: "json" };
import q6 from "./fixtures/goldens/blocks/Q6_K.json" with { type: "json" };
import q8 from "./fixtures/goldens/blocks/Q8_0.json" with { type: "json" };

/** Raw blocks of one format, and the weights that gguf-py reads in them. */
export interface BlockGolden {
  /** The format's name in ggml. */
  type: string;
  /** The blocks as they lie in a file. */
  bytes: Uint8Array<ArrayBuffer>;
  /** What they stand for, exactly. */
  values: Float32Array<ArrayBuffer>;
}

/** One golden a format; F32 needs none. */
export const BLOCK_GOLDENS: readonly BlockGolden[] = [f16, bf16, q8, q4, q6]
  .map(
    ({ type, hex, values }) => ({
      type,
      bytes: Uint8Array.fromHex(hex),
      values: Float32Array.from(values),
    }),
  );

/** The bits of floats, which tell -0 from 0 and one NaN from another. */
export function bitsOf(values: Float32Array): Uint32Array {
  const { buffer, byteOffset, length } = values;
  return new Uint32Array(buffer, byteOffset, length);
}
