/** What a file can be quantized to: one block format, or a mix of some. */
export interface QuantizationType {
  /** llama.cpp's name, such as `"Q4_K_M"`. */
  readonly name: string;
  /** llama.cpp's number for it, `general.file_type` of the file. */
  readonly fileType: number;
  /** The block format of most tensors. */
  readonly format: string;
}

/** What {@linkcode quantizationType} knows, by bytes a weight. */
export const QUANTIZATION_TYPES: readonly QuantizationType[] = [
  { name: "Q2_K_S", fileType: 21, format: "Q2_K" },
  { name: "Q2_K", fileType: 10, format: "Q2_K" },
  { name: "Q3_K_S", fileType: 11, format: "Q3_K" },
  { name: "Q3_K_M", fileType: 12, format: "Q3_K" },
  { name: "Q3_K_L", fileType: 13, format: "Q3_K" },
  { name: "IQ4_XS", fileType: 30, format: "IQ4_XS" },
  { name: "IQ4_NL", fileType: 25, format: "IQ4_NL" },
  { name: "Q4_0", fileType: 2, format: "Q4_0" },
  { name: "Q4_K_S", fileType: 14, format: "Q4_K" },
  { name: "Q4_K_M", fileType: 15, format: "Q4_K" },
  { name: "Q4_1", fileType: 3, format: "Q4_1" },
  { name: "Q5_0", fileType: 8, format: "Q5_0" },
  { name: "Q5_K_S", fileType: 16, format: "Q5_K" },
  { name: "Q5_K_M", fileType: 17, format: "Q5_K" },
  { name: "Q5_1", fileType: 9, format: "Q5_1" },
  { name: "Q6_K", fileType: 18, format: "Q6_K" },
  { name: "Q8_0", fileType: 7, format: "Q8_0" },
  { name: "F16", fileType: 1, format: "F16" },
  { name: "BF16", fileType: 32, format: "BF16" },
  { name: "F32", fileType: 0, format: "F32" },
];

/** What llama.cpp takes these for. */
const ALIASES: Readonly<Record<string, string>> = {
  Q3_K: "Q3_K_M",
  Q4_K: "Q4_K_M",
  Q5_K: "Q5_K_M",
};

/**
 * Looks up what a file can be quantized to.
 *
 * @param name llama.cpp's name in letters of any case, such as `"q4_k_m"`;
 * `"q4_k"` stands for that, and so for 3 and 5 bits.
 * @returns The type.
 * @throws {TypeError} If there is none of that name.
 */
export function quantizationType(name: string): QuantizationType {
  const upper = name.toUpperCase();
  const known = ALIASES[upper] ?? upper;
  const type = QUANTIZATION_TYPES.find((type) => type.name === known);
  if (type !== undefined) return type;
  throw new TypeError(
    `Cannot quantize to "${name}": one of ${
      QUANTIZATION_TYPES.map((type) => type.name).join(", ")
    } is wanted`,
  );
}
