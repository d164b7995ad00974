import { Cursor } from "./cursor.ts";
import type { GgufField } from "./field.ts";
import { readFields } from "./read_fields.ts";
import { scanHeader } from "./scan.ts";
import type { TensorInfo } from "./scan_tensors.ts";
import type { ByteSource } from "./source.ts";

/** What the header of a GGUF file says, with the types of its values. */
export interface TypedGguf {
  /** What errors call the file. */
  readonly label: string;
  /** Version of the format, 2 or 3. */
  readonly version: number;
  /** Tensor data starts at multiples of this many bytes. */
  readonly alignment: number;
  /** Bytes of the whole file. */
  readonly size: number;
  /** Where tensor data starts; may lie beyond a file without tensors. */
  readonly dataOffset: number;
  /** The metadata, in the order of the file. */
  readonly fields: readonly GgufField[];
  /** The tensors, in the order of the file. */
  readonly tensors: readonly TensorInfo[];
}

/**
 * Reads the header of a GGUF file so that it can be written again: with the
 * order and the types of its values, integers of 64 bits as bigints, arrays of
 * numbers in typed arrays, and strings that are not valid UTF-8 as their bytes.
 *
 * @param source The file; none of its tensor data is read.
 * @returns The header, checked like `readGguf()` does.
 * @throws {SyntaxError} If it is no GGUF file, or a key or name comes twice.
 * @throws {RangeError} If it is truncated, or a number is out of its range.
 * @throws {TypeError} If it has a value or a tensor of an unknown type.
 */
export async function readTypedGguf(source: ByteSource): Promise<TypedGguf> {
  const cursor = new Cursor(source);
  const { values, ...header } = await scanHeader(cursor);
  const fields = await readFields(cursor, values);
  return { label: source.label, size: source.size, ...header, fields };
}
