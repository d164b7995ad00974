import { blockFormatByName } from "../gguf/formats.ts";
import { quote } from "../gguf/quote.ts";
import type { Decoder } from "./decode.ts";
import { findOverflow } from "./overflow.ts";
import { quantizeRows } from "./quantize_rows.ts";

/** Some rows of a tensor that are to be packed in another format. */
export interface QuantizeChunk {
  /** The tensor's name, for errors. */
  readonly name: string;
  /** Index of the first row, for errors. */
  readonly firstRow: number;
  /** Weights of a row. */
  readonly columns: number;
  /** How the rows are packed. */
  readonly from: string;
  /** How they are to be packed. */
  readonly to: string;
  /** The rows, in a buffer of their own. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** How much each column matters, `[columns]`, if that is known. */
  readonly importance: Float32Array | undefined;
}

/**
 * Packs rows of a tensor in another format.
 *
 * @param chunk The rows.
 * @param decoder What unpacks them; it keeps memory from one chunk to the next.
 * @returns Their bytes.
 * @throws {RangeError} If a weight is not finite, or too large for the format.
 * @throws {TypeError} If they cannot be unpacked, or packed so.
 */
export async function quantizeChunk(
  chunk: QuantizeChunk,
  decoder: Decoder,
): Promise<Uint8Array<ArrayBuffer>> {
  const { bytes, columns, from, to, importance } = chunk;
  const rows = await decoder.decode(from, bytes);
  checkFinite(rows, chunk);
  const packed = quantizeRows(to, rows, columns, { importance });
  checkScales(packed, chunk);
  return packed;
}

function checkFinite(rows: Float32Array, chunk: QuantizeChunk): void {
  let sum = 0;
  for (let i = 0; i < rows.length; i++) sum += rows[i]! - rows[i]!;
  if (sum === 0) return;
  const bad = rows.findIndex((weight) => !Number.isFinite(weight));
  throw new RangeError(
    `${start(chunk)} weight ${bad % chunk.columns} of row ` +
      `${rowOf(bad, chunk)} is ${rows[bad]}, a finite number is wanted`,
  );
}

function checkScales(packed: Uint8Array, chunk: QuantizeChunk): void {
  const format = blockFormatByName(chunk.to)!;
  const block = findOverflow(format, packed);
  if (block < 0) return;
  const row = rowOf(block * format.blockSize, chunk);
  throw new RangeError(
    `${start(chunk)} row ${row} has weights that are too large for it`,
  );
}

function rowOf(weight: number, { firstRow, columns }: QuantizeChunk): number {
  return firstRow + Math.floor(weight / columns);
}

function start({ name, to }: QuantizeChunk): string {
  return `Cannot quantize ${quote(name)} to ${to}:`;
}
