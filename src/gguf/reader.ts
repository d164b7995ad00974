import type { Metadata } from "./metadata.ts";
import type { TensorInfo } from "./scan_tensors.ts";
import type { ByteSource } from "./source.ts";
import { checkWhole } from "./split.ts";
import { toMetadata } from "./to_metadata.ts";
import { type ByteRange, readTypedGguf } from "./typed_reader.ts";

export type { Metadata, MetadataValue } from "./metadata.ts";
export type { TensorInfo } from "./scan_tensors.ts";
export type { ByteRange } from "./typed_reader.ts";

/** What the header of a GGUF file says, or of all parts of a split one. */
export interface GgufFile {
  /** What errors call the file. */
  readonly label: string;
  /** Version of the format, 2 or 3. */
  readonly version: number;
  /** Tensor data starts at multiples of this many bytes. */
  readonly alignment: number;
  /** Bytes of the whole file. */
  readonly size: number;
  /**
   * From where to where headers go, with the bytes up to tensor data: one, or
   * one of each part. May end beyond a file without tensors.
   */
  readonly headers: readonly ByteRange[];
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
 * every tensor's data lies within the file and overlaps no other's. Of a source
 * that joins the parts of a split file the headers of all are read: metadata is
 * that of the first, and tensors are those of all.
 *
 * @param source The file; none of its tensor data is kept.
 * @returns The header.
 * @throws {SyntaxError} If it is no GGUF file, or a key or name comes twice.
 * @throws {RangeError} If it is truncated, or a number is out of its range.
 * @throws {TypeError} If it has a value or a tensor of an unknown type.
 * @throws {Error} If it is one of several parts.
 */
export async function readGguf(source: ByteSource): Promise<GgufFile> {
  const { fields, tensors, ...file } = await readTypedGguf(source, {
    replace: true,
  });
  const metadata = toMetadata(fields);
  if (source.parts === undefined) checkWhole(file.label, metadata);
  return {
    ...file,
    metadata,
    tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])),
  };
}
