import { Cursor } from "./cursor.ts";
import { partSource } from "./joined_source.ts";
import type { Metadata } from "./metadata.ts";
import { scanHeader } from "./scan.ts";
import type { TensorInfo } from "./scan_tensors.ts";
import type { ByteSource, SourcePart } from "./source.ts";
import { checkWhole, joinParts } from "./split.ts";
import { readValues } from "./values.ts";

export type { Metadata, MetadataValue } from "./metadata.ts";
export type { TensorInfo } from "./scan_tensors.ts";

/** A range of a file, in bytes from its start. */
export interface ByteRange {
  /** Its first byte. */
  readonly offset: number;
  /** The one behind its last. */
  readonly end: number;
}

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
  if (source.parts !== undefined) return await readParts(source, source.parts);
  const { label, size } = source;
  const { header, ...file } = await readPart(source, {
    label,
    size,
    offset: 0,
  });
  checkWhole(label, file.metadata);
  const tensors = new Map(file.tensors.map((tensor) => [tensor.name, tensor]));
  return { ...file, size, headers: [header], tensors };
}

async function readParts(
  source: ByteSource,
  parts: readonly SourcePart[],
): Promise<GgufFile> {
  const files: Awaited<ReturnType<typeof readPart>>[] = [];
  for (const part of parts) {
    files.push(await readPart(partSource(source, part), part));
  }
  const { version, alignment, metadata } = files[0]!;
  return {
    label: source.label,
    size: source.size,
    version,
    alignment,
    metadata,
    headers: files.map(({ header }) => header),
    tensors: joinParts(source.label, files),
  };
}

async function readPart(source: ByteSource, { label, offset }: SourcePart) {
  const cursor = new Cursor(source);
  const { values, tensors, version, alignment, dataOffset } = await scanHeader(
    cursor,
  );
  return {
    label,
    version,
    alignment,
    metadata: await readValues(cursor, values),
    header: { offset, end: offset + dataOffset },
    tensors: offset === 0 ? tensors : tensors.map((tensor) => ({
      ...tensor,
      offset: offset + tensor.offset,
    })),
  };
}
