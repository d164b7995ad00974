import type { ValueType } from "./value_type.ts";

/** The types of numbers that a JavaScript number holds. */
export type GgufNumberType =
  | "u8"
  | "i8"
  | "u16"
  | "i16"
  | "u32"
  | "i32"
  | "f32"
  | "f64";

/** The types of 64-bit integers. */
export type GgufBigintType = "u64" | "i64";

/** A string; where it is not valid UTF-8, its bytes. */
export type GgufText = string | Uint8Array;

/** An array with the type of its elements. */
export type GgufArray =
  | { type: "array"; of: GgufNumberType; value: ArrayLike<number> }
  | { type: "array"; of: GgufBigintType; value: ArrayLike<bigint | number> }
  | { type: "array"; of: "bool"; value: ArrayLike<boolean | number> }
  | { type: "array"; of: "string"; value: readonly GgufText[] }
  | { type: "array"; of: "array"; value: readonly GgufArray[] };

/** A value of a GGUF file's metadata with its type. */
export type GgufValue =
  | { type: GgufNumberType; value: number }
  | { type: GgufBigintType; value: bigint | number }
  | { type: "bool"; value: boolean }
  | { type: "string"; value: GgufText }
  | GgufArray;

/**
 * An entry of a GGUF file's metadata: `{ key: "llama.block_count", type: "u32",
 * value: 2 }`, or of an array `{ key: "tokenizer.ggml.tokens", type: "array",
 * of: "string", value: ["<unk>", "<s>"] }`.
 */
export type GgufField = { key: string } & GgufValue;

/** The types of what arrays of numbers and booleans are read into. */
export const TYPED_ARRAYS = {
  u8: Uint8Array,
  i8: Int8Array,
  u16: Uint16Array,
  i16: Int16Array,
  u32: Uint32Array,
  i32: Int32Array,
  f32: Float32Array,
  bool: Uint8Array,
  u64: BigUint64Array,
  i64: BigInt64Array,
  f64: Float64Array,
} as const satisfies Partial<Record<ValueType, unknown>>;
