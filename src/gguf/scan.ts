import type { Cursor } from "./cursor.ts";
import { quote } from "./quote.ts";
import { scanTensors, type TensorInfo } from "./scan_tensors.ts";
import { type ScannedValue, scanValues } from "./scan_values.ts";

/** What a walk over a header finds. */
export interface HeaderScan {
  /** Version of the format, 2 or 3. */
  readonly version: number;
  /** Tensor data starts at multiples of this many bytes. */
  readonly alignment: number;
  /** Where tensor data starts; may lie beyond a file without tensors. */
  readonly dataOffset: number;
  /** Where the metadata's values lie, in the order of the file. */
  readonly values: readonly ScannedValue[];
  /** The tensors, in the order of the file. */
  readonly tensors: readonly TensorInfo[];
}

const MAX_VALUES = 100_000;
const MAX_TENSORS = 100_000;

// A key's length, a type and one byte of value.
const LEAST_VALUE_BYTES = 13;
// A name's length, one dimension with its count, a type and an offset.
const LEAST_TENSOR_BYTES = 32;

/**
 * Walks over a GGUF header and checks all that can be wrong with it, so that
 * later reads can trust every count, length and offset. A count is compared
 * with the bytes that are left before anything is done about it. Of the
 * metadata nothing is kept but the keys.
 *
 * @param cursor A cursor at the start of the source.
 * @returns What stands where.
 * @throws {SyntaxError} If it is no GGUF file, or a key or name comes twice.
 * @throws {RangeError} If it is truncated, or a number is out of its range.
 * @throws {TypeError} If it has a value or a tensor of an unknown type.
 */
export async function scanHeader(cursor: Cursor): Promise<HeaderScan> {
  const version = await scanVersion(cursor);
  await cursor.fill(16);
  const tensorCount = scanCount(cursor, "tensor", {
    least: LEAST_TENSOR_BYTES,
    most: MAX_TENSORS,
  });
  const valueCount = scanCount(cursor, "key", {
    least: LEAST_VALUE_BYTES,
    most: MAX_VALUES,
  });
  const { values, alignment } = await scanValues(cursor, valueCount);
  const { tensors, dataOffset } = await scanTensors(
    cursor,
    tensorCount,
    alignment,
  );
  return { version, alignment, dataOffset, values, tensors };
}

async function scanVersion(cursor: Cursor): Promise<number> {
  if (cursor.size === 0) {
    throw new SyntaxError(
      `Cannot read "${cursor.label}": it is empty, a GGUF file is wanted`,
    );
  }
  const length = Math.min(4, cursor.size);
  await cursor.fill(length);
  const magic = cursor.bytesInWindow(length);
  const text = String.fromCharCode(...magic);
  if (text !== "GGUF") {
    const hex = Array.from(magic, (byte) => byte.toString(16).padStart(2, "0"));
    throw new SyntaxError(
      `Cannot read "${cursor.label}": it starts with ${hex.join(" ")} ` +
        `(${quote(text)}), a GGUF file starts with "GGUF"`,
    );
  }
  await cursor.fill(4);
  const version = cursor.u32();
  // The low half of a little-endian version is never 0.
  if (version !== 0 && version % 0x10000 === 0) {
    throw new SyntaxError(
      `Cannot read "${cursor.label}": it is big-endian, ` +
        "a little-endian GGUF file is wanted",
    );
  }
  if (version !== 2 && version !== 3) {
    throw new SyntaxError(
      `Cannot read "${cursor.label}": its GGUF version is ${version}, ` +
        "2 or 3 is wanted",
    );
  }
  return version;
}

function scanCount(
  cursor: Cursor,
  noun: string,
  { least, most }: { least: number; most: number },
): number {
  const count = cursor.count(least, () => `the ${noun} count`);
  if (count > most) {
    throw new RangeError(
      `Cannot read "${cursor.label}": it has ${count} ${noun}s, ` +
        `at most ${most} are wanted`,
    );
  }
  return count;
}
