import type { Cursor } from "./cursor.ts";
import { readByLibrary } from "./library.ts";
import type { MetadataValue } from "./metadata.ts";
import type { ScannedValue } from "./scan_values.ts";
import { ARRAY } from "./value_type.ts";

/** Strings that take more are read here: the library cuts them short. */
const MAX_LIBRARY_STRINGS_BYTES = 65_536;

/**
 * Reads the values that a scan has found.
 *
 * They are read by `@huggingface/gguf`, but for large string values (it cuts
 * the last string of those that cross a border of its 2 MB pieces, and reads
 * what comes before again at each border) and strings that start with a byte
 * order mark (it drops the mark, which is a token of Llama's vocabulary). In
 * all strings, bytes that are not valid UTF-8 become U+FFFD.
 *
 * @param cursor A cursor of the source; where it stands does not matter.
 * @param values Where the values lie.
 * @returns The values by key, in an object without a prototype.
 */
export async function readValues(
  cursor: Cursor,
  values: readonly ScannedValue[],
): Promise<Record<string, MetadataValue>> {
  const forLibrary = values.filter((value) => !isReadHere(value));
  const parsed = await readByLibrary(cursor, forLibrary);
  const metadata: Record<string, MetadataValue> = Object.create(null);
  let next = 0;
  for (const value of values) {
    metadata[value.key] = isReadHere(value)
      ? await readHere(cursor, value)
      : parsed[next++]!;
  }
  return metadata;
}

function isReadHere({ strings, marked, offset, end }: ScannedValue): boolean {
  return marked || (strings && end - offset > MAX_LIBRARY_STRINGS_BYTES);
}

async function readHere(
  cursor: Cursor,
  { type, offset }: ScannedValue,
): Promise<MetadataValue> {
  cursor.offset = offset;
  return type === ARRAY ? await readArray(cursor) : await readString(cursor);
}

async function readArray(cursor: Cursor): Promise<MetadataValue[]> {
  await cursor.fill(12);
  const type = cursor.u32();
  const count = cursor.count(1, () => "the length of an array");
  const array: MetadataValue[] = [];
  for (let i = 0; i < count; i++) {
    array.push(
      type === ARRAY
        ? await readArray(cursor)
        : stringInWindow(cursor) ?? await readString(cursor),
    );
  }
  return array;
}

/** The next string without the cost of a promise, if it is in the window. */
function stringInWindow(cursor: Cursor): string | undefined {
  if (!cursor.has(8)) return undefined;
  const start = cursor.offset;
  const length = stringLength(cursor);
  if (cursor.has(length)) return cursor.textInWindow(length);
  cursor.offset = start;
  return undefined;
}

async function readString(cursor: Cursor): Promise<string> {
  await cursor.fill(8);
  return await cursor.text(stringLength(cursor));
}

// Checked once more: a file may change after it was scanned.
function stringLength(cursor: Cursor): number {
  return cursor.count(1, () => "the length of a string");
}
