/** The types of GGUF's values by GGUF's numbers for them. */
export const VALUE_TYPES = [
  "u8",
  "i8",
  "u16",
  "i16",
  "u32",
  "i32",
  "f32",
  "bool",
  "string",
  "array",
  "u64",
  "i64",
  "f64",
] as const;

/** A type of GGUF's values. */
export type ValueType = typeof VALUE_TYPES[number];

/** GGUF's number for a string. */
export const STRING = 8;

/** GGUF's number for an array. */
export const ARRAY = 9;

/** GGUF's number for a 32-bit unsigned integer. */
export const UINT32 = 4;

/** The least bytes that an array takes: the type and count of its elements. */
export const ARRAY_HEAD_BYTES = 12;

// In the order of VALUE_TYPES, where strings and arrays start with their length.
const LEAST_BYTES = [1, 1, 2, 2, 4, 4, 4, 1, 8, ARRAY_HEAD_BYTES, 8, 8, 8];

/**
 * Tells the least bytes that a value of a GGUF type takes, which for numbers
 * and booleans is what each of them takes.
 *
 * @param type GGUF's number for the type.
 * @returns The bytes, or `undefined` where GGUF has no such type.
 */
export function leastBytes(type: number): number | undefined {
  return LEAST_BYTES[type];
}
