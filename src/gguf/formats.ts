/** How ggml packs the weights of one tensor type. */
export interface BlockFormat {
  /** ggml's name, such as `"Q4_0"`. */
  readonly name: string;
  /** ggml's number for it (`ggml_type`), as GGUF files write it. */
  readonly id: number;
  /** Weights in a block. A row of a tensor is a whole number of blocks. */
  readonly blockSize: number;
  /** Bytes of a block. */
  readonly bytes: number;
}

/**
 * Every block format that a GGUF file may name, in the order of the ids. Ids
 * that ggml has withdrawn (4, 5, 31 to 33, 36 to 38) are left out.
 */
export const BLOCK_FORMATS: readonly BlockFormat[] = [
  { name: "F32", id: 0, blockSize: 1, bytes: 4 },
  { name: "F16", id: 1, blockSize: 1, bytes: 2 },
  { name: "Q4_0", id: 2, blockSize: 32, bytes: 18 },
  { name: "Q4_1", id: 3, blockSize: 32, bytes: 20 },
  { name: "Q5_0", id: 6, blockSize: 32, bytes: 22 },
  { name: "Q5_1", id: 7, blockSize: 32, bytes: 24 },
  { name: "Q8_0", id: 8, blockSize: 32, bytes: 34 },
  { name: "Q8_1", id: 9, blockSize: 32, bytes: 36 },
  { name: "Q2_K", id: 10, blockSize: 256, bytes: 84 },
  { name: "Q3_K", id: 11, blockSize: 256, bytes: 110 },
  { name: "Q4_K", id: 12, blockSize: 256, bytes: 144 },
  { name: "Q5_K", id: 13, blockSize: 256, bytes: 176 },
  { name: "Q6_K", id: 14, blockSize: 256, bytes: 210 },
  { name: "Q8_K", id: 15, blockSize: 256, bytes: 292 },
  { name: "IQ2_XXS", id: 16, blockSize: 256, bytes: 66 },
  { name: "IQ2_XS", id: 17, blockSize: 256, bytes: 74 },
  { name: "IQ3_XXS", id: 18, blockSize: 256, bytes: 98 },
  { name: "IQ1_S", id: 19, blockSize: 256, bytes: 50 },
  { name: "IQ4_NL", id: 20, blockSize: 32, bytes: 18 },
  { name: "IQ3_S", id: 21, blockSize: 256, bytes: 110 },
  { name: "IQ2_S", id: 22, blockSize: 256, bytes: 82 },
  { name: "IQ4_XS", id: 23, blockSize: 256, bytes: 136 },
  { name: "I8", id: 24, blockSize: 1, bytes: 1 },
  { name: "I16", id: 25, blockSize: 1, bytes: 2 },
  { name: "I32", id: 26, blockSize: 1, bytes: 4 },
  { name: "I64", id: 27, blockSize: 1, bytes: 8 },
  { name: "F64", id: 28, blockSize: 1, bytes: 8 },
  { name: "IQ1_M", id: 29, blockSize: 256, bytes: 56 },
  { name: "BF16", id: 30, blockSize: 1, bytes: 2 },
  { name: "TQ1_0", id: 34, blockSize: 256, bytes: 54 },
  { name: "TQ2_0", id: 35, blockSize: 256, bytes: 66 },
  { name: "MXFP4", id: 39, blockSize: 32, bytes: 17 },
];

const BY_ID = new Map(BLOCK_FORMATS.map((format) => [format.id, format]));
const BY_NAME = new Map(BLOCK_FORMATS.map((format) => [format.name, format]));

/**
 * Looks a block format up by ggml's id.
 *
 * @param id The `ggml_type` of a tensor.
 * @returns The format, or `undefined` where ggml has none of that id.
 */
export function blockFormat(id: number): BlockFormat | undefined {
  return BY_ID.get(id);
}

/**
 * Looks a block format up by name.
 *
 * @param name ggml's name in capitals, such as `"Q4_K"`.
 * @returns The format, or `undefined` where ggml has none of that name.
 */
export function blockFormatByName(name: string): BlockFormat | undefined {
  return BY_NAME.get(name);
}
