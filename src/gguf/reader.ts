import { Cursor } from "./cursor.ts";
import type { Metadata } from "./metadata.ts";
import { scanHeader } from "./scan.ts";
import type { TensorInfo } from "./scan_tensors.ts";
import type { ByteSource } from "./source.ts";
import { readValues } from "./values.ts";

export type { Metadata, MetadataValue } from "./metadata.ts";
export type { TensorInfo } from "./scan_tensors.ts";

/** What the header of a GGUF file says. */
export interface GgufFile {
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
  /**
   * The values by key, in an object without a prototype. Bytes of a string that
   * are not valid UTF-8 are U+FFFD.
   */
  readonly metadata: Metadata;
  /** The tensors by name, in the order of the file. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
}

/**
 * Reads the header of a GGUF file and checks all of it: when this returns,
 * every tensor's data lies within the file and overlaps no other's.
 *
 * @param source The file; none of its tensor data is kept.
 * @returns The header.
 * @throws {SyntaxError} If it is no GGUF file, or a key or name comes twice.
 * @throws {RangeError} If it is truncated, or a number is out of its range.
 * @throws {TypeError} If it has a value or a tensor of an unknown type.
 */
export async function readGguf(source: ByteSource): Promise<GgufFile> {
  const cursor = new Cursor(source);
  const { values, tensors, ...header } = await scanHeader(cursor);
  return {
    label: source.label,
    size: source.size,
    ...header,
    metadata: await readValues(cursor, values),
    tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])),
  };
}
