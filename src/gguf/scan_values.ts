import type { Cursor } from "./cursor.ts";
import { quote } from "./quote.ts";
import {
  ARRAY,
  ARRAY_HEAD_BYTES,
  leastBytes,
  STRING,
  UINT32,
} from "./value_type.ts";

/** Where one value of the metadata lies. */
export interface ScannedValue {
  /** Its key; what is not valid UTF-8 in it is U+FFFD. */
  readonly key: string;
  /** GGUF's number for its type. */
  readonly type: number;
  /** Where the value starts, in bytes from the start of the file. */
  readonly offset: number;
  /** Where it ends. */
  readonly end: number;
}

const MAX_KEY_BYTES = 65_535;
const MAX_DEPTH = 4;
const MAX_ARRAY_LENGTH = 1_000_000;
const MAX_ELEMENTS = 4_000_000;
const DEFAULT_ALIGNMENT = 32;

/** The walk over one value. */
interface Walk {
  readonly cursor: Cursor;
  readonly key: string;
  /** Type of what is in its innermost arrays, once known. */
  leaf: number | undefined;
  /** Elements of arrays that the metadata may still have. */
  elementsLeft: number;
}

/**
 * Walks over the keys and values of the metadata. Beside GGUF's own rules it
 * keeps a crafted file from taking much time or memory: an array has at most a
 * million elements, and all arrays together have four million, where an inner
 * array counts for ten.
 *
 * @param cursor A cursor at the first key.
 * @param count How many keys there are.
 * @returns Where the values lie, and the alignment of tensor data.
 */
export async function scanValues(
  cursor: Cursor,
  count: number,
): Promise<{ values: ScannedValue[]; alignment: number }> {
  const values: ScannedValue[] = [];
  const keys = new Set<string>();
  let alignment = DEFAULT_ALIGNMENT;
  let elementsLeft = MAX_ELEMENTS;
  for (let i = 0; i < count; i++) {
    const key = await scanName(cursor, `the length of key ${i}`);
    if (keys.has(key)) {
      throw new SyntaxError(
        `Cannot read "${cursor.label}": it has the key ${quote(key)} twice`,
      );
    }
    keys.add(key);
    const walk = { cursor, key, leaf: undefined, elementsLeft };
    const value = await scanValue(walk);
    values.push(value);
    elementsLeft = walk.elementsLeft;
    if (key === "general.alignment") {
      alignment = await readAlignment(cursor, value);
    }
  }
  return { values, alignment };
}

/**
 * Steps over the key of a value or the name of a tensor.
 *
 * @param cursor A cursor at its length.
 * @param what Names the length in errors.
 * @returns The text.
 */
export async function scanName(cursor: Cursor, what: string): Promise<string> {
  await cursor.fill(8);
  const length = cursor.count(1, () => what);
  if (length > MAX_KEY_BYTES) {
    throw new RangeError(
      `Cannot read "${cursor.label}": ${what} is ${length}, ` +
        `at most ${MAX_KEY_BYTES} is wanted`,
    );
  }
  return await cursor.text(length);
}

async function scanValue(walk: Walk): Promise<ScannedValue> {
  const { cursor, key } = walk;
  await cursor.fill(4);
  const type = cursor.u32();
  const bytes = checkType(walk, type);
  const offset = cursor.offset;
  if (type === ARRAY) await scanArray(walk, 0);
  else if (type === STRING) await scanStrings(walk, 1);
  else cursor.skip(bytes);
  return { key, type, offset, end: cursor.offset };
}

async function scanArray(walk: Walk, depth: number): Promise<void> {
  const { cursor, key } = walk;
  if (depth === MAX_DEPTH) {
    throw new RangeError(
      `Cannot read "${cursor.label}": key ${quote(key)} has arrays nested ` +
        `deeper than ${MAX_DEPTH} at byte ${cursor.offset}`,
    );
  }
  if (!cursor.has(ARRAY_HEAD_BYTES)) await cursor.fill(ARRAY_HEAD_BYTES);
  const type = cursor.u32();
  const bytes = checkType(walk, type);
  if (type !== ARRAY) checkLeaf(walk, type);
  const count = cursor.count(
    bytes,
    () => `the length of an array of key ${quote(key)}`,
  );
  // An inner array is an object of its own, however empty.
  walk.elementsLeft -= type === ARRAY ? 10 * count : count;
  if (count > MAX_ARRAY_LENGTH || walk.elementsLeft < 0) {
    throw new RangeError(
      `Cannot read "${cursor.label}": key ${quote(key)} has an array of ` +
        `${count} elements, at most ${MAX_ARRAY_LENGTH} are wanted and ` +
        `${MAX_ELEMENTS} in all arrays (an inner array counts for ten)`,
    );
  }
  if (type === STRING) return await scanStrings(walk, count);
  if (type !== ARRAY) return cursor.skip(count * bytes);
  for (let i = 0; i < count; i++) await scanArray(walk, depth + 1);
}

async function scanStrings(walk: Walk, count: number): Promise<void> {
  const { cursor, key } = walk;
  const what = () => `the length of a string of key ${quote(key)}`;
  for (let i = 0; i < count; i++) {
    // Awaits only at a border of the window: there may be a million strings.
    if (!cursor.has(8)) await cursor.fill(8);
    cursor.skip(cursor.count(1, what));
  }
}

function checkType({ cursor, key }: Walk, type: number): number {
  const bytes = leastBytes(type);
  if (bytes === undefined) {
    throw new TypeError(
      `Cannot read "${cursor.label}": key ${quote(key)} has the value type ` +
        `${type} at byte ${cursor.offset - 4}, 0 to 12 is wanted`,
    );
  }
  return bytes;
}

function checkLeaf(walk: Walk, type: number): void {
  walk.leaf ??= type;
  if (walk.leaf !== type) {
    throw new TypeError(
      `Cannot read "${walk.cursor.label}": key ${quote(walk.key)} has inner ` +
        `arrays of the value types ${walk.leaf} and ${type}, ` +
        "one type is wanted",
    );
  }
}

async function readAlignment(
  cursor: Cursor,
  { type, offset, end }: ScannedValue,
): Promise<number> {
  if (type !== UINT32) {
    throw new TypeError(
      `Cannot read "${cursor.label}": general.alignment has the value type ` +
        `${type}, ${UINT32} (uint32) is wanted`,
    );
  }
  cursor.offset = offset;
  await cursor.fill(end - offset);
  const alignment = cursor.u32();
  if (alignment === 0 || (alignment & (alignment - 1)) !== 0) {
    throw new RangeError(
      `Cannot read "${cursor.label}": general.alignment is ${alignment}, ` +
        "a power of two is wanted",
    );
  }
  return alignment;
}
