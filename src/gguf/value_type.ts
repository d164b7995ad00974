/** GGUF's number for a string. */
export const STRING = 8;

/** GGUF's number for an array. */
export const ARRAY = 9;

/** GGUF's number for a 32-bit unsigned integer. */
export const UINT32 = 4;

/** The least bytes that an array takes: the type and count of its elements. */
export const ARRAY_HEAD_BYTES = 12;

// uint8 int8 uint16 int16 uint32 int32 float32 bool string array uint64 int64
// float64, where strings and arrays start with their length.
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
