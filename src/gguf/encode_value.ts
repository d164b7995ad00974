import type { ByteWriter, NumberType } from "./byte_writer.ts";
import {
  type GgufArray,
  type GgufBigintType,
  type GgufNumberType,
  type GgufValue,
  TYPED_ARRAYS,
} from "./field.ts";
import { VALUE_TYPES, type ValueType } from "./value_type.ts";

type ScalarType = Exclude<ValueType, "array">;

/** The least and the largest value of the integers. */
const RANGES: Record<Exclude<NumberType, "f32" | "f64">, [bigint, bigint]> = {
  u8: [0n, 0xffn],
  i8: [-0x80n, 0x7fn],
  u16: [0n, 0xffffn],
  i16: [-0x8000n, 0x7fffn],
  u32: [0n, 0xffffffffn],
  i32: [-0x80000000n, 0x7fffffffn],
  u64: [0n, 2n ** 64n - 1n],
  i64: [-(2n ** 63n), 2n ** 63n - 1n],
};

/**
 * Writes a value as GGUF has it: the number of its type, then the value.
 *
 * @param writer Where to.
 * @param value The value.
 * @throws {TypeError} If the value is not of its type.
 * @throws {RangeError} If a number is beyond the range of its type.
 */
export function encodeValue(writer: ByteWriter, value: GgufValue): void {
  writer.u32(typeId(value.type));
  if (value.type === "array") encodeArray(writer, value);
  else encodeScalar(writer, value.type, value.value);
}

function encodeArray(writer: ByteWriter, array: GgufArray): void {
  const { of, value } = array;
  if (typeof value !== "object" || value === null || !("length" in value)) {
    throw new TypeError(`it is ${describe(value)}, an array is wanted`);
  }
  writer.u32(typeId(of));
  writer.u64(value.length);
  if (of === "array") {
    for (const inner of value) encodeArray(writer, inner);
  } else if (of !== "string" && value instanceof TYPED_ARRAYS[of]) {
    const { buffer, byteOffset, byteLength } = value;
    writer.bytes(new Uint8Array(buffer, byteOffset, byteLength));
  } else {
    for (let i = 0; i < value.length; i++) encodeElement(writer, of, value, i);
  }
}

function encodeElement(
  writer: ByteWriter,
  type: ScalarType,
  array: ArrayLike<unknown>,
  index: number,
): void {
  try {
    encodeScalar(writer, type, array[index]);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    error.message = `element ${index}: ${error.message}`;
    throw error;
  }
}

function encodeScalar(
  writer: ByteWriter,
  type: ScalarType,
  value: unknown,
): void {
  if (type === "string") return encodeText(writer, value);
  if (type === "bool") {
    if (value === true || value === 1) return writer.number("u8", 1);
    if (value === false || value === 0) return writer.number("u8", 0);
    throw new TypeError(`it is ${describe(value)}, a boolean is wanted`);
  }
  writer.number(type, checkNumber(type, value));
}

function encodeText(writer: ByteWriter, value: unknown): void {
  if (value instanceof Uint8Array) {
    writer.u64(value.length);
    return writer.bytes(value);
  }
  if (typeof value !== "string") {
    throw new TypeError(`it is ${describe(value)}, a string is wanted`);
  }
  if (!value.isWellFormed()) {
    throw new TypeError(
      `it is ${JSON.stringify(value)}, a string without lone surrogates is ` +
        "wanted",
    );
  }
  writer.string(value);
}

function checkNumber(
  type: GgufNumberType | GgufBigintType,
  value: unknown,
): number | bigint {
  if (type === "f32" || type === "f64") {
    if (typeof value !== "number") {
      throw new TypeError(`it is ${describe(value)}, a number is wanted`);
    }
    if (type === "f64" || !Number.isFinite(value)) return value;
    if (Number.isFinite(Math.fround(value))) return value;
    throw new RangeError(`it is ${value}, a number of 32 bits is wanted`);
  }
  const isWhole = typeof value === "bigint" || Number.isInteger(value);
  if (!isWhole) {
    throw new TypeError(`it is ${describe(value)}, an integer is wanted`);
  }
  const number = value as number | bigint;
  const [least, most] = RANGES[type];
  if (number >= least && number <= most) return number;
  throw new RangeError(`it is ${number}, ${least} to ${most} is wanted`);
}

function typeId(type: ValueType): number {
  const id = VALUE_TYPES.indexOf(type);
  if (id >= 0) return id;
  throw new TypeError(
    `its type is ${describe(type)}, one of ${VALUE_TYPES.join(", ")} is wanted`,
  );
}

function describe(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : String(value);
}
