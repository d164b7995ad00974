import { ByteWriter } from "./byte_writer.ts";
import { Cursor } from "./cursor.ts";
import { encodeValue } from "./encode_value.ts";
import type { GgufField } from "./field.ts";
import type { BlockFormat } from "./formats.ts";
import { quote } from "./quote.ts";
import { scanHeader } from "./scan.ts";
import type { TensorInfo } from "./scan_tensors.ts";

/** A tensor that is to be written. */
export interface PlannedTensor {
  /** Its name, such as `"blk.0.attn_q.weight"`. */
  readonly name: string;
  /** One to four dimensions in ggml's order: `shape[0]` varies fastest. */
  readonly shape: readonly number[];
  /** How its weights are packed. */
  readonly format: BlockFormat;
}

/** What a GGUF file is to hold. */
export interface GgufPlan {
  /**
   * The metadata, in the order of the file. Tensor data is aligned to
   * `general.alignment` where that is in it (a `u32`), else to 32 bytes.
   */
  readonly fields: readonly GgufField[];
  /** The tensors, in the order of the file. */
  readonly tensors: readonly PlannedTensor[];
}

/** Where everything of a GGUF file goes. */
export interface GgufLayout {
  /** The file up to the zeros before the data of the first tensor. */
  readonly header: Uint8Array<ArrayBuffer>;
  /** Where tensor data starts. */
  readonly dataOffset: number;
  /** Tensor data starts at multiples of this many bytes. */
  readonly alignment: number;
  /** Bytes of the whole file. */
  readonly size: number;
  /** The tensors, with where they go in the file. */
  readonly tensors: readonly TensorInfo[];
}

const VERSION = 3;
const DEFAULT_ALIGNMENT = 32;

/**
 * Lays out a GGUF file as llama.cpp does: the tensors one behind the other,
 * each at a multiple of the alignment, with zeros between them and after the
 * last.
 *
 * @param plan What the file is to hold.
 * @param label What errors call it.
 * @returns Where everything goes.
 * @throws {TypeError} If a value is not of its type, or a name is no text.
 * @throws {SyntaxError} If a key or name comes twice.
 * @throws {RangeError} If a number, a shape or the header is out of its range.
 */
export async function layOutGguf(
  plan: GgufPlan,
  label = "GGUF file",
): Promise<GgufLayout> {
  const writer = new ByteWriter();
  writer.bytes(new TextEncoder().encode("GGUF"));
  writer.u32(VERSION);
  writer.u64(plan.tensors.length);
  writer.u64(plan.fields.length);
  for (const field of plan.fields) writeField(writer, field, label);
  const alignment = alignmentOf(plan.fields, label);
  let end = 0;
  for (const tensor of plan.tensors) {
    writeTensor(writer, tensor, { offset: end, label });
    end = roundUp(end + bytesOf(tensor), alignment);
  }
  const header = writer.finish();
  const dataOffset = roundUp(header.length, alignment);
  const size = dataOffset + end;
  const { tensors } = await scanOwn(header, { label, size });
  return { header, dataOffset, alignment, size, tensors };
}

function writeField(
  writer: ByteWriter,
  { key, ...value }: GgufField,
  label: string,
): void {
  writeName(writer, key, { what: "key", label });
  try {
    encodeValue(writer, value as GgufField);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    error.message = `Cannot write "${label}": key ${quote(key)}: ` +
      error.message;
    throw error;
  }
}

function writeTensor(
  writer: ByteWriter,
  { name, shape, format }: PlannedTensor,
  { offset, label }: { offset: number; label: string },
): void {
  writeName(writer, name, { what: "tensor", label });
  for (const dim of shape) {
    if (Number.isSafeInteger(dim) && dim > 0) continue;
    throw new RangeError(
      `Cannot write "${label}": tensor ${quote(name)} has the shape ` +
        `[${shape.join(", ")}], integers from 1 on are wanted`,
    );
  }
  writer.u32(shape.length);
  for (const dim of shape) writer.u64(dim);
  writer.u32(format.id);
  // Beyond that no file can be: the scan refuses the shape.
  writer.u64(Math.min(offset, Number.MAX_SAFE_INTEGER));
}

function writeName(
  writer: ByteWriter,
  name: string,
  { what, label }: { what: string; label: string },
): void {
  // What was read with U+FFFD had other bytes, which are lost.
  if (!name.isWellFormed() || name.includes("\ufffd")) {
    throw new TypeError(
      `Cannot write "${label}": the ${what} ${quote(name)} was not valid ` +
        "Unicode, text is wanted",
    );
  }
  writer.string(name);
}

/** What is wrong with it is told by the scan. */
function alignmentOf(fields: readonly GgufField[], label: string): number {
  const field = fields.find(({ key }) => key === "general.alignment");
  if (field === undefined) return DEFAULT_ALIGNMENT;
  const value = field.type === "u32" ? field.value : 0;
  if (value > 0 && (value & (value - 1)) === 0) return value;
  throw new RangeError(
    `Cannot write "${label}": general.alignment is ${field.value} of type ` +
      `${field.type}, a power of two of type u32 is wanted`,
  );
}

function bytesOf({ shape, format }: PlannedTensor): number {
  const elements = shape.reduce((product, dim) => product * dim, 1);
  return elements / format.blockSize * format.bytes;
}

/** Reads the header as it will be read: what readers refuse is not written. */
async function scanOwn(
  header: Uint8Array,
  { label, size }: { label: string; size: number },
) {
  try {
    return await scanHeader(
      new Cursor({
        label,
        size,
        readInto(target, offset) {
          target.set(header.subarray(offset, offset + target.length));
          return Promise.resolve();
        },
        [Symbol.asyncDispose]: () => Promise.resolve(),
      }),
    );
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    error.message = error.message.replace(/^Cannot read/, "Cannot write");
    throw error;
  }
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
