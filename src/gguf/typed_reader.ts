import { Cursor } from "./cursor.ts";
import type { GgufField } from "./field.ts";
import { partSource } from "./joined_source.ts";
import { readFields, type ReadFieldsOptions } from "./read_fields.ts";
import { scanHeader } from "./scan.ts";
import type { TensorInfo } from "./scan_tensors.ts";
import type { ByteSource, SourcePart } from "./source.ts";
import { isSplitKey, joinParts } from "./split.ts";

/** A range of a file, in bytes from its start. */
export interface ByteRange {
  /** Its first byte. */
  readonly offset: number;
  /** The one behind its last. */
  readonly end: number;
}

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
  /**
   * From where to where headers go, with the bytes up to tensor data: one, or
   * one of each part. May end beyond a file without tensors.
   */
  readonly headers: readonly ByteRange[];
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
 * Of a source that joins the parts of a split file the headers of all are read:
 * metadata is that of the first, and tensors are those of all. A part alone is
 * read as it is.
 *
 * @param source The file; none of its tensor data is read.
 * @param options How strings are read.
 * @returns The header, checked: every tensor's data lies within the file and
 * overlaps no other's.
 * @throws {SyntaxError} If it is no GGUF file, or a key or name comes twice.
 * @throws {RangeError} If it is truncated, or a number is out of its range.
 * @throws {TypeError} If it has a value or a tensor of an unknown type.
 */
export async function readTypedGguf(
  source: ByteSource,
  options: ReadFieldsOptions = {},
): Promise<TypedGguf> {
  const { label, size, parts } = source;
  if (parts === undefined) {
    return await readPart(source, { label, size, offset: 0 }, options);
  }
  const files: TypedGguf[] = [];
  for (const part of parts) {
    files.push(await readPart(partSource(source, part), part, options));
  }
  return {
    ...files[0]!,
    label,
    size,
    headers: files.flatMap(({ headers }) => headers),
    tensors: joinParts(label, files),
  };
}

async function readPart(
  source: ByteSource,
  { label, size, offset }: SourcePart,
  options: ReadFieldsOptions,
): Promise<TypedGguf> {
  const cursor = new Cursor(source);
  const { values, dataOffset, ...scan } = await scanHeader(cursor);
  return {
    label,
    size,
    version: scan.version,
    alignment: scan.alignment,
    headers: [{ offset, end: offset + dataOffset }],
    fields: await readFields(
      cursor,
      offset === 0 ? values : values.filter(({ key }) => isSplitKey(key)),
      options,
    ),
    tensors: offset === 0 ? scan.tensors : scan.tensors.map((tensor) => ({
      ...tensor,
      offset: offset + tensor.offset,
    })),
  };
}
