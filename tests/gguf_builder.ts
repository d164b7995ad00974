/**
 * Writes small GGUF files for tests, right ones and deliberately broken ones.
 *
 * ```ts ignore
 * const bytes = buildGguf({
 *   metadata: {
 *     "general.architecture": string("llama"),
 *     "llama.block_count": u32(2),
 *     "tokenizer.ggml.tokens": array("string", ["<unk>", "<s>", "</s>"]),
 *   },
 *   tensors: [f32Tensor("output_norm.weight", [4], [1, 1, 1, 1])],
 * });
 * ```
 *
 * @module
 */
import { blockFormatByName } from "../src/gguf/formats.ts";
import { ByteWriter } from "../src/gguf/byte_writer.ts";

/** The types of GGUF's numbers, booleans and strings. */
export type ScalarType = keyof typeof SCALAR_IDS;

/** One number, boolean or string; a string may be given as raw bytes. */
export type ScalarValue = number | bigint | boolean | string | Uint8Array;

/** A value with its GGUF type. */
export type GgufValue =
  & (
    | { type: ScalarType; value: ScalarValue }
    | { type: "array"; of: ScalarType; value: Iterable<ScalarValue> }
    | { type: "array"; of: "array"; value: Iterable<GgufValue> }
  )
  & GgufValueOverrides;

/** What makes a value a broken one. */
export interface GgufValueOverrides {
  /** Written in place of the number of the type. */
  typeId?: number;
  /** Written in place of the number of the type of an array's elements. */
  elementTypeId?: number;
  /** Written in place of the length of the string or array. */
  length?: number | bigint;
}

/** A tensor to write. */
export interface GgufTensor {
  /** Its name. */
  name: string;
  /** Its dimensions, the fastest first. */
  shape: readonly number[];
  /** The name of its block format, such as `"F32"`. */
  format: string;
  /** Its packed weights. Defaults to zeros of the right length. */
  data?: Uint8Array;
  /** Written in place of its offset, counted from the start of the data. */
  offset?: number | bigint;
  /** Written in place of its dimensions. */
  dims?: readonly (number | bigint)[];
  /** Written in place of the number of its dimensions. */
  dimensions?: number;
  /** Written in place of the number of its format. */
  typeId?: number;
}

/** What {@linkcode buildGguf} writes. */
export interface BuildGgufOptions {
  /** The values by key, or as pairs where a key is to come twice. */
  metadata?: Record<string, GgufValue> | Iterable<[string, GgufValue]>;
  /** The tensors. Defaults to none. */
  tensors?: readonly GgufTensor[];
  /** Multiples that tensors start at, written as a key. Defaults to 32, unwritten. */
  alignment?: number;
  /** Defaults to `"GGUF"`. */
  magic?: string;
  /** Defaults to 3. */
  version?: number;
  /** Written in place of the number of tensors. */
  tensorCount?: number | bigint;
  /** Written in place of the number of keys. */
  keyCount?: number | bigint;
  /** Whether zeros follow a header without tensors. Defaults to `true`. */
  pad?: boolean;
}

const SCALAR_IDS = {
  u8: 0,
  i8: 1,
  u16: 2,
  i16: 3,
  u32: 4,
  i32: 5,
  f32: 6,
  bool: 7,
  string: 8,
  u64: 10,
  i64: 11,
  f64: 12,
} as const;
const ARRAY_ID = 9;

/** A 32-bit unsigned integer. */
export function u32(value: number): GgufValue {
  return { type: "u32", value };
}

/** A 32-bit float. */
export function f32(value: number): GgufValue {
  return { type: "f32", value };
}

/** A boolean. */
export function bool(value: boolean): GgufValue {
  return { type: "bool", value };
}

/** A string, from text or raw bytes. */
export function string(value: string | Uint8Array): GgufValue {
  return { type: "string", value };
}

/** A number, boolean or string of any type. */
export function scalar(type: ScalarType, value: ScalarValue): GgufValue {
  return { type, value };
}

/** An array of numbers, booleans or strings. */
export function array(
  of: ScalarType,
  value: Iterable<ScalarValue>,
): GgufValue {
  return { type: "array", of, value };
}

/** An array of arrays. */
export function nested(value: Iterable<GgufValue>): GgufValue {
  return { type: "array", of: "array", value };
}

/** A tensor of 32-bit floats. */
export function f32Tensor(
  name: string,
  shape: readonly number[],
  values: Iterable<number>,
): GgufTensor {
  const data = new Uint8Array(Float32Array.from(values).buffer);
  return { name, shape, format: "F32", data };
}

/**
 * Tells how many bytes the data of a tensor takes.
 *
 * @throws {TypeError} If there is no such format.
 */
export function tensorBytes(
  { name, shape, format }: Pick<GgufTensor, "name" | "shape" | "format">,
): number {
  const { blockSize, bytes } = formatOf(name, format);
  return shape.reduce((product, dim) => product * dim, 1) / blockSize * bytes;
}

/**
 * Writes a GGUF file.
 *
 * @param options What it holds, and what is to be wrong with it.
 * @returns The bytes of the file.
 * @throws {TypeError} If a format is unknown.
 * @throws {RangeError} If a tensor's data has another length than its shape
 * and format say.
 */
export function buildGguf(
  options: BuildGgufOptions,
): Uint8Array<ArrayBuffer> {
  const { tensors = [], alignment, pad = true } = options;
  const entries = metadataEntries(options);
  const writer = new ByteWriter();
  writer.bytes(new TextEncoder().encode(options.magic ?? "GGUF"));
  writer.u32(options.version ?? 3);
  writer.u64(options.tensorCount ?? tensors.length);
  writer.u64(options.keyCount ?? entries.length);
  for (const [key, value] of entries) {
    writeString(writer, key);
    writer.u32(value.typeId ?? typeId(value.type));
    writeValue(writer, value);
  }

  const multiple = alignment ?? 32;
  let offset = 0;
  for (const tensor of tensors) {
    writeTensorInfo(writer, tensor, offset);
    offset += roundUp(tensorBytes(tensor), multiple);
  }
  if (!pad && tensors.length === 0) return writer.finish();
  writer.zeros(roundUp(writer.length, multiple) - writer.length);
  for (const [i, tensor] of tensors.entries()) {
    const data = dataOf(tensor);
    writer.bytes(data);
    // Nothing follows the last tensor, so that a byte less truncates it.
    const isLast = i === tensors.length - 1;
    if (!isLast) writer.zeros(roundUp(data.length, multiple) - data.length);
  }
  return writer.finish();
}

function metadataEntries(
  { metadata = {}, alignment }: BuildGgufOptions,
): [string, GgufValue][] {
  const entries = Symbol.iterator in metadata
    ? [...metadata as Iterable<[string, GgufValue]>]
    : Object.entries(metadata);
  if (alignment === undefined) return entries;
  return [["general.alignment", u32(alignment)], ...entries];
}

function writeValue(writer: ByteWriter, value: GgufValue): void {
  if (value.type !== "array") {
    writeScalar(writer, value.type, value.value, value.length);
    return;
  }
  const bulk = value.of === "u8" && value.value instanceof Uint8Array
    ? value.value
    : undefined;
  const elements = bulk ?? [...value.value];
  writer.u32(value.elementTypeId ?? typeId(value.of));
  writer.u64(value.length ?? elements.length);
  if (bulk !== undefined) return writer.bytes(bulk);
  for (const element of elements) {
    if (value.of === "array") writeValue(writer, element as GgufValue);
    else writeScalar(writer, value.of, element as ScalarValue);
  }
}

function writeScalar(
  writer: ByteWriter,
  type: ScalarType,
  value: ScalarValue,
  length?: number | bigint,
): void {
  if (type === "string") {
    writeString(writer, value as string | Uint8Array, length);
  } else {
    writer.number(type === "bool" ? "u8" : type, value as number | bigint);
  }
}

function writeString(
  writer: ByteWriter,
  value: string | Uint8Array,
  length?: number | bigint,
): void {
  const bytes = typeof value === "string"
    ? new TextEncoder().encode(value)
    : value;
  writer.u64(length ?? bytes.length);
  writer.bytes(bytes);
}

function writeTensorInfo(
  writer: ByteWriter,
  tensor: GgufTensor,
  offset: number,
): void {
  const dims = tensor.dims ?? tensor.shape;
  writeString(writer, tensor.name);
  writer.u32(tensor.dimensions ?? dims.length);
  for (const dim of dims) writer.u64(dim);
  writer.u32(tensor.typeId ?? formatOf(tensor.name, tensor.format).id);
  writer.u64(tensor.offset ?? offset);
}

function dataOf(tensor: GgufTensor): Uint8Array {
  const bytes = tensorBytes(tensor);
  const { name, data = new Uint8Array(bytes) } = tensor;
  if (data.length !== bytes) {
    throw new RangeError(
      `Cannot write tensor "${name}": its data has ${data.length} bytes, ` +
        `${bytes} are wanted`,
    );
  }
  return data;
}

function formatOf(name: string, format: string) {
  const found = blockFormatByName(format);
  if (found !== undefined) return found;
  throw new TypeError(
    `Cannot write tensor "${name}": its format is "${format}", ` +
      "one of ggml's is wanted",
  );
}

function typeId(type: GgufValue["type"]): number {
  return type === "array" ? ARRAY_ID : SCALAR_IDS[type];
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
