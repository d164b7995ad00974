import type { Cursor } from "./cursor.ts";
import {
  type GgufArray,
  type GgufField,
  type GgufText,
  TYPED_ARRAYS,
} from "./field.ts";
import {
  readExactly,
  readReplacing,
  type ReadText,
  readTexts,
} from "./read_texts.ts";
import type { ScannedValue } from "./scan_values.ts";
import { leastBytes, VALUE_TYPES, type ValueType } from "./value_type.ts";

/**
 * Strings of a file that may be no UTF-8: vocabularies have some, and objects of
 * their own for a million of them would take 1.5 GB.
 */
const MAX_BYTE_STRINGS = 100_000;

/** Strings that are no more than these are not worth to be decoded at once. */
const FEW = 32;

/** Options for {@linkcode readFields}. */
export interface ReadFieldsOptions {
  /**
   * Whether strings that are not valid UTF-8 are read with U+FFFD in place of
   * what is not. Defaults to `false`: they are bytes.
   */
  replace?: boolean;
}

/** A walk over the bytes of one value. */
interface Walk {
  readonly label: string;
  readonly readText: ReadText;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView;
  at: number;
}

/**
 * Reads the values that a scan has found.
 *
 * @param cursor A cursor of the source; where it stands does not matter.
 * @param values Where the values lie.
 * @param options How strings are read.
 * @returns The values with their keys and types, in the same order.
 * @throws {RangeError} If the source has changed since the scan, or over 100,000
 * strings are to be read as bytes.
 */
export async function readFields(
  cursor: Cursor,
  values: readonly ScannedValue[],
  { replace = false }: ReadFieldsOptions = {},
): Promise<GgufField[]> {
  const { label } = cursor;
  const readText = replace ? readReplacing : countingReader(label);
  const fields: GgufField[] = [];
  for (const { key, type, offset, end } of values) {
    cursor.offset = offset;
    const bytes = await cursor.bytes(end - offset);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const walk = { label, readText, bytes, view, at: 0 };
    const name = typeName(walk, type);
    const value = name === "array"
      ? readArray(walk)
      : { type: name, value: readScalar(walk, name) };
    fields.push({ key, ...value } as GgufField);
  }
  return fields;
}

function readScalar(
  walk: Walk,
  type: Exclude<ValueType, "array">,
): number | bigint | boolean | GgufText {
  if (type === "string") return readString(walk);
  const at = step(walk, leastBytes(VALUE_TYPES.indexOf(type))!);
  const { view } = walk;
  switch (type) {
    case "u8":
      return view.getUint8(at);
    case "i8":
      return view.getInt8(at);
    case "u16":
      return view.getUint16(at, true);
    case "i16":
      return view.getInt16(at, true);
    case "u32":
      return view.getUint32(at, true);
    case "i32":
      return view.getInt32(at, true);
    case "f32":
      return view.getFloat32(at, true);
    case "bool":
      return view.getUint8(at) !== 0;
    case "u64":
      return view.getBigUint64(at, true);
    case "i64":
      return view.getBigInt64(at, true);
    case "f64":
      return view.getFloat64(at, true);
  }
}

function readArray(walk: Walk): GgufArray {
  const of = typeName(walk, walk.view.getUint32(step(walk, 4), true));
  const count = readCount(walk);
  if (of === "array") {
    const value: GgufArray[] = []; // grows as it is read, whatever the count
    for (let i = 0; i < count; i++) value.push(readArray(walk));
    return { type: "array", of, value };
  }
  if (of === "string") {
    return { type: "array", of, value: readStrings(walk, count) };
  }
  const Elements = TYPED_ARRAYS[of];
  const at = step(walk, count * Elements.BYTES_PER_ELEMENT);
  const bytes = walk.bytes.slice(at, walk.at); // aligned, and to be kept
  return { type: "array", of, value: new Elements(bytes.buffer) } as GgufArray;
}

function readString(walk: Walk): GgufText {
  const start = step(walk, readCount(walk));
  return walk.readText(walk.bytes.subarray(start, walk.at));
}

function readFewStrings(walk: Walk, count: number): GgufText[] {
  const texts: GgufText[] = [];
  for (let i = 0; i < count; i++) texts.push(readString(walk));
  return texts;
}

function readStrings(walk: Walk, count: number): GgufText[] {
  if (8 * count > walk.bytes.length) throw changed(walk);
  if (count <= FEW) return readFewStrings(walk, count);
  const starts = new Int32Array(count);
  const ends = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const length = readCount(walk);
    starts[i] = step(walk, length);
    ends[i] = walk.at;
  }
  return readTexts(walk.bytes, { starts, ends }, walk.readText);
}

function readCount(walk: Walk): number {
  const at = step(walk, 8);
  const { view } = walk;
  const count = view.getUint32(at + 4, true) * 2 ** 32 +
    view.getUint32(at, true);
  if (count > walk.bytes.length) throw changed(walk); // no room for so many
  return count;
}

/** Steps over bytes of the value, and says where they started. */
function step(walk: Walk, count: number): number {
  const { at } = walk;
  if (at + count > walk.bytes.length) throw changed(walk);
  walk.at += count;
  return at;
}

function typeName(walk: Walk, id: number): ValueType {
  const name = VALUE_TYPES[id];
  if (name === undefined) throw changed(walk);
  return name;
}

/** Reads strings exactly, as long as few of them are bytes. */
function countingReader(label: string): ReadText {
  let left = MAX_BYTE_STRINGS;
  return (bytes) => {
    const text = readExactly(bytes);
    if (typeof text === "string" || left-- > 0) return text;
    throw new RangeError(
      `Cannot read "${label}": over ${MAX_BYTE_STRINGS} of its strings are ` +
        "not valid UTF-8, fewer are wanted",
    );
  };
}

// The scan has checked all of it, but a file may change in between.
function changed({ label }: Walk): RangeError {
  return new RangeError(
    `Cannot read "${label}": it has changed while its header was read`,
  );
}
