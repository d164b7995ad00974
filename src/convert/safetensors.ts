import { quote } from "../gguf/quote.ts";
import type { ByteSource } from "../gguf/source.ts";
import { describe, isObject, own, parseJsonObject } from "./json.ts";
import {
  type CheckpointTensor,
  countElements,
  dtypeBytes,
  dtypeNames,
} from "./tensor_file.ts";

/** Bytes before the JSON: its length. */
const PREFIX_BYTES = 8;
/** What 70,000 tensors need. */
const MAX_HEADER_BYTES = 8 * 2 ** 20;
const MAX_DIMENSIONS = 16;

/**
 * Reads the header of a safetensors file and checks all of it: when this
 * returns, the tensors fill the file's data to the last byte and none lies on
 * another. Errors name the file and the tensor.
 *
 * @param source The file; none of its tensor data is read.
 * @returns The tensors in the order of their data.
 * @throws {SyntaxError} If it is no safetensors file, or a name comes twice.
 * @throws {RangeError} If it is truncated, a number is out of its range, or
 * tensors overlap or leave a hole.
 * @throws {TypeError} If a value or an element is of an unknown type.
 */
export async function readSafetensors(
  source: ByteSource,
): Promise<CheckpointTensor[]> {
  const text = await readHeader(source);
  const header = parseJsonObject(text, {
    label: source.label,
    maxDepth: 4,
    maxValues: 1e6,
    unique: true,
  });
  const dataOffset = PREFIX_BYTES + new TextEncoder().encode(text).length;
  const tensors = Object.entries(header).flatMap(([name, entry]) =>
    name === "__metadata__" ? [] : [readEntry(source, name, entry)]
  ).sort((a, b) => a.offset - b.offset || a.bytes - b.bytes);
  checkPlaces(source, tensors, source.size - dataOffset);
  return tensors.map((tensor) => ({
    ...tensor,
    offset: dataOffset + tensor.offset,
  }));
}

async function readHeader(source: ByteSource): Promise<string> {
  const { label, size } = source;
  if (size < PREFIX_BYTES + 2) {
    throw new SyntaxError(
      `Cannot read "${label}": it has ${size} bytes, a safetensors file has ` +
        `at least ${PREFIX_BYTES + 2}`,
    );
  }
  const prefix = new Uint8Array(PREFIX_BYTES);
  await source.readInto(prefix, 0);
  const length = new DataView(prefix.buffer).getBigUint64(0, true);
  if (length > BigInt(size - PREFIX_BYTES)) {
    throw new RangeError(
      `Cannot read "${label}": its header has ${length} bytes, and the file ` +
        `${size}: it is truncated or no safetensors file`,
    );
  }
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw new RangeError(
      `Cannot read "${label}": its header has ${length} bytes, ` +
        `at most ${MAX_HEADER_BYTES} are wanted`,
    );
  }
  const bytes = new Uint8Array(Number(length));
  await source.readInto(bytes, PREFIX_BYTES);
  if (bytes[0] !== 0x7b) {
    throw new SyntaxError(
      `Cannot read "${label}": its header does not start with "{", ` +
        "it is no safetensors file",
    );
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
      .decode(bytes);
  } catch {
    throw new SyntaxError(
      `Cannot read "${label}": its header is not valid UTF-8`,
    );
  }
}

/** One tensor, its offset counted from where the data starts. */
function readEntry(
  source: ByteSource,
  name: string,
  entry: unknown,
): CheckpointTensor {
  const start = `Cannot read "${source.label}": tensor ${quote(name)}`;
  if (!isObject(entry)) {
    throw new TypeError(
      `${start} is ${describe(entry)}, an object is wanted`,
    );
  }
  const dtype = own(entry, "dtype");
  const size = typeof dtype === "string" ? dtypeBytes(dtype) : undefined;
  if (size === undefined) {
    throw new TypeError(
      `${start} has the dtype ${
        describe(dtype)
      }, one of ${dtypeNames()} is wanted`,
    );
  }
  const shape = own(entry, "shape");
  const isShape = Array.isArray(shape) && shape.length <= MAX_DIMENSIONS;
  const elements = isShape ? countElements(shape) : undefined;
  if (!isShape || elements === undefined) {
    throw new RangeError(
      `${start} has the shape ${
        JSON.stringify(shape)?.slice(0, 80)
      }, at most ${MAX_DIMENSIONS} lengths of 2^53 - 1 elements are wanted`,
    );
  }
  const [begin, end] = readOffsets(entry, start);
  if (end - begin !== elements * size) {
    throw new RangeError(
      `${start} has ${end - begin} bytes, its shape [${
        shape.join(", ")
      }] and dtype ${dtype} want ${elements * size}`,
    );
  }
  return {
    name,
    dtype: dtype as string,
    shape,
    source,
    offset: begin,
    bytes: end - begin,
  };
}

function readOffsets(
  entry: Readonly<Record<string, unknown>>,
  start: string,
): [number, number] {
  const offsets = own(entry, "data_offsets");
  const [begin, end] = Array.isArray(offsets) ? offsets : [];
  const isRange = Array.isArray(offsets) && offsets.length === 2 &&
    Number.isSafeInteger(begin) && Number.isSafeInteger(end) &&
    begin >= 0 && begin <= end;
  if (isRange) return [begin, end];
  throw new RangeError(
    `${start} has the data_offsets ${
      JSON.stringify(offsets)?.slice(0, 80)
    }, [begin, end] is wanted`,
  );
}

/** Sees to it that the tensors lie one behind the other, up to the end. */
function checkPlaces(
  { label }: ByteSource,
  tensors: readonly CheckpointTensor[],
  dataBytes: number,
): void {
  let end = 0;
  let before = "";
  for (const { name, offset, bytes } of tensors) {
    if (offset < end) {
      throw new RangeError(
        `Cannot read "${label}": tensors ${quote(before)} and ` +
          `${quote(name)} overlap at byte ${offset} of the data`,
      );
    }
    if (offset > end) {
      throw new RangeError(
        `Cannot read "${label}": there is a hole of ${offset - end} bytes ` +
          `before tensor ${quote(name)}`,
      );
    }
    end = offset + bytes;
    before = name;
  }
  if (end === dataBytes) return;
  throw new RangeError(
    end > dataBytes
      ? `Cannot read "${label}": truncated data, tensor ${
        quote(before)
      } ends ` +
        `at byte ${end} of the data, and there are ${dataBytes}`
      : `Cannot read "${label}": ${dataBytes - end} bytes follow the last ` +
        "tensor, none are wanted",
  );
}
