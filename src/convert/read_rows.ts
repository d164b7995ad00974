import { quote } from "../gguf/quote.ts";
import type { TensorConversion } from "./plan.ts";

/** Some rows of a tensor, in the order of a GGUF file. */
export interface RowsOfTensor {
  /** Index of the first row. */
  readonly firstRow: number;
  /** How their weights are packed: F32, F16 or BF16. */
  readonly format: string;
  /** The rows, in a buffer of their own. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Bytes of them in the checkpoint. */
  readonly read: number;
}

/** Weights that are read at once, about; a head is never cut. */
const CHUNK_WEIGHTS = 2 ** 19;

/**
 * Reads a tensor of a checkpoint from its first row to the last.
 *
 * @param tensor The tensor.
 * @returns The rows, some at a time.
 * @throws {RangeError} If a weight is not finite.
 */
export async function* readRows(
  { from, shape, heads }: TensorConversion,
): AsyncGenerator<RowsOfTensor> {
  const columns = shape[0]!;
  const rows = shape[1] ?? 1;
  const rowBytes = from.bytes / rows;
  const unit = heads === 0 ? 1 : rows / heads;
  const most = Math.max(1, Math.floor(CHUNK_WEIGHTS / columns / unit)) * unit;
  for (let firstRow = 0; firstRow < rows; firstRow += most) {
    const count = Math.min(most, rows - firstRow);
    const read = new Uint8Array(count * rowBytes);
    await from.source.readInto(read, from.offset + firstRow * rowBytes);
    const bytes = heads === 0 ? read : interleave(read, rowBytes, unit);
    yield {
      firstRow,
      ...(from.dtype === "F64"
        ? { format: "F32", bytes: toFloats(bytes) }
        : { format: from.dtype, bytes }),
      read: read.length,
    };
  }
}

/**
 * Puts the rows of heads in the order that llama.cpp rotates them in: checkpoints
 * turn the first half of a head against the second, llama.cpp each row against
 * the next.
 *
 * @param rows Whole heads, row by row.
 * @param rowBytes Bytes of a row.
 * @param headDim Rows of a head, an even number.
 * @returns The rows in the new order.
 */
export function interleave(
  rows: Uint8Array<ArrayBuffer>,
  rowBytes: number,
  headDim: number,
): Uint8Array<ArrayBuffer> {
  const target = new Uint8Array(rows.length);
  const half = headDim / 2;
  const count = rows.length / rowBytes;
  for (let row = 0; row < count; row++) {
    const inHead = row % headDim;
    const place = inHead < half ? 2 * inHead : 2 * (inHead - half) + 1;
    const to = row - inHead + place;
    target.set(
      rows.subarray(row * rowBytes, (row + 1) * rowBytes),
      to * rowBytes,
    );
  }
  return target;
}

function toFloats({ buffer }: Uint8Array<ArrayBuffer>) {
  return new Uint8Array(Float32Array.from(new Float64Array(buffer)).buffer);
}

/** Where the bits of an exponent lie: all are set where it is no number. */
const EXPONENTS: Readonly<Record<string, number>> = {
  F16: 0x7c00,
  BF16: 0x7f80,
  F32: 0x7f800000,
};

/**
 * Sees to it that weights which are copied are finite, as those are that are
 * packed in another format.
 *
 * @param rows The weights.
 * @param tensor Their tensor.
 * @throws {RangeError} If one is not.
 */
export function checkFinite(
  { format, bytes, firstRow }: RowsOfTensor,
  { from, shape }: TensorConversion,
): void {
  const mask = EXPONENTS[format]!;
  const bits = format === "F32"
    ? new Uint32Array(bytes.buffer)
    : new Uint16Array(bytes.buffer);
  for (let i = 0; i < bits.length; i++) {
    if ((bits[i]! & mask) !== mask) continue;
    const row = firstRow + Math.floor(i / shape[0]!);
    throw new RangeError(
      `Cannot convert tensor ${quote(from.name)}: weight ${i % shape[0]!} of ` +
        `row ${row} is not finite, a number is wanted`,
    );
  }
}
