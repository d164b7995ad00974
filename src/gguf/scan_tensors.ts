import type { Cursor } from "./cursor.ts";
import { type BlockFormat, blockFormat } from "./formats.ts";
import { quote } from "./quote.ts";
import { scanName } from "./scan_values.ts";

/** One tensor of a GGUF file. */
export interface TensorInfo {
  /** Its name, such as `"blk.0.attn_q.weight"`. */
  readonly name: string;
  /** One to four dimensions in ggml's order: `shape[0]` varies fastest. */
  readonly shape: readonly number[];
  /** How its weights are packed. */
  readonly format: BlockFormat;
  /** Where its data starts, in bytes from the start of the file. */
  readonly offset: number;
  /** Bytes of its data. */
  readonly bytes: number;
  /** How many weights it has. */
  readonly elements: number;
}

const MAX_DIMENSIONS = 4;
const MAX_ELEMENTS = BigInt(Number.MAX_SAFE_INTEGER);

/** A tensor as the header gives it, its offset counted from the data's start. */
interface Entry extends Omit<TensorInfo, "offset"> {
  readonly relativeOffset: bigint;
}

/**
 * Walks over the table of tensors and lays them out in the file.
 *
 * @param cursor A cursor at the first tensor's name.
 * @param count How many tensors there are.
 * @param alignment What their offsets are multiples of, in bytes.
 * @returns The tensors in the order of the file, and where the data starts.
 */
export async function scanTensors(
  cursor: Cursor,
  count: number,
  alignment: number,
): Promise<{ tensors: TensorInfo[]; dataOffset: number }> {
  const entries: Entry[] = [];
  const names = new Set<string>();
  for (let i = 0; i < count; i++) {
    const name = await scanName(cursor, `the length of tensor name ${i}`);
    if (names.has(name)) {
      throw new SyntaxError(
        `Cannot read "${cursor.label}": it has the tensor ${quote(name)} twice`,
      );
    }
    names.add(name);
    entries.push(await scanEntry(cursor, name));
  }
  const dataOffset = Math.ceil(cursor.offset / alignment) * alignment;
  const tensors = entries.map((entry) =>
    place(cursor, entry, { dataOffset, alignment })
  );
  checkOverlap(cursor.label, tensors);
  return { tensors, dataOffset };
}

async function scanEntry(cursor: Cursor, name: string): Promise<Entry> {
  await cursor.fill(4);
  const dimensions = cursor.u32();
  if (dimensions < 1 || dimensions > MAX_DIMENSIONS) {
    throw new RangeError(
      `Cannot read "${cursor.label}": tensor ${quote(name)} has ` +
        `${dimensions} dimensions, 1 to ${MAX_DIMENSIONS} are wanted`,
    );
  }
  await cursor.fill(8 * dimensions + 12);
  const dims = Array.from({ length: dimensions }, () => cursor.u64());
  const id = cursor.u32();
  const relativeOffset = cursor.u64();

  const elements = dims.reduce((product, dim) => product * dim, 1n);
  if (elements === 0n || elements > MAX_ELEMENTS) {
    throw new RangeError(
      `Cannot read "${cursor.label}": tensor ${quote(name)} has the shape ` +
        `[${dims.join(", ")}], 1 to 2^53 - 1 elements are wanted`,
    );
  }
  const shape = dims.map(Number);
  const format = checkFormat(cursor.label, name, { id, row: shape[0]! });
  return {
    name,
    shape,
    format,
    bytes: Number(elements) / format.blockSize * format.bytes,
    elements: Number(elements),
    relativeOffset,
  };
}

function checkFormat(
  label: string,
  name: string,
  { id, row }: { id: number; row: number },
): BlockFormat {
  const format = blockFormat(id);
  if (format === undefined) {
    throw new TypeError(
      `Cannot read "${label}": tensor ${quote(name)} has the type ${id}, ` +
        "a type of ggml is wanted",
    );
  }
  if (row % format.blockSize !== 0) {
    throw new RangeError(
      `Cannot read "${label}": tensor ${quote(name)} has rows of ${row} ` +
        `weights, ${format.name} wants a multiple of ${format.blockSize}`,
    );
  }
  return format;
}

function place(
  cursor: Cursor,
  { relativeOffset, ...entry }: Entry,
  { dataOffset, alignment }: { dataOffset: number; alignment: number },
): TensorInfo {
  if (relativeOffset % BigInt(alignment) !== 0n) {
    throw new RangeError(
      `Cannot read "${cursor.label}": tensor ${quote(entry.name)} is at ` +
        `offset ${relativeOffset}, a multiple of ${alignment} is wanted`,
    );
  }
  const offset = BigInt(dataOffset) + relativeOffset;
  const end = offset + BigInt(entry.bytes);
  if (end > BigInt(cursor.size)) {
    throw new RangeError(
      `Cannot read "${cursor.label}": truncated data, tensor ` +
        `${quote(entry.name)} ends at byte ${end} ` +
        `and the file at byte ${cursor.size}`,
    );
  }
  const { name, shape, format, bytes, elements } = entry;
  return { name, shape, format, offset: Number(offset), bytes, elements };
}

function checkOverlap(label: string, tensors: readonly TensorInfo[]): void {
  const sorted = tensors.toSorted((a, b) => a.offset - b.offset);
  for (let i = 1; i < sorted.length; i++) {
    const before = sorted[i - 1]!;
    const { name, offset } = sorted[i]!;
    if (offset < before.offset + before.bytes) {
      throw new RangeError(
        `Cannot read "${label}": tensors ${quote(before.name)} and ` +
          `${quote(name)} overlap at byte ${offset}`,
      );
    }
  }
}
