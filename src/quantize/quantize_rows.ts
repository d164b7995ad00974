import { type BlockFormat, blockFormatByName } from "../gguf/formats.ts";
import {
  createQ4Affine,
  createQ4Symmetric,
  createQ5Affine,
  createQ5Symmetric,
} from "./blocks_32.ts";
import type { CreateQuantizer } from "./format.ts";
import { createIq4Nl, createIq4Xs } from "./iq4.ts";
import { createBf16, createF16, createF32, createQ8 } from "./plain.ts";
import { createQ2K } from "./q2_k.ts";
import { createQ3K } from "./q3_k.ts";
import { createQ4K, createQ5K } from "./q4_k.ts";
import { createQ6K } from "./q6_k.ts";

const QUANTIZERS: ReadonlyMap<string, CreateQuantizer> = new Map([
  ["F32", createF32],
  ["F16", createF16],
  ["BF16", createBf16],
  ["Q8_0", createQ8],
  ["Q4_0", createQ4Symmetric],
  ["Q4_1", createQ4Affine],
  ["Q5_0", createQ5Symmetric],
  ["Q5_1", createQ5Affine],
  ["Q2_K", createQ2K],
  ["Q3_K", createQ3K],
  ["Q4_K", createQ4K],
  ["Q5_K", createQ5K],
  ["Q6_K", createQ6K],
  ["IQ4_NL", createIq4Nl],
  ["IQ4_XS", createIq4Xs],
]);

/** Names of the formats that weights can be packed in. */
export const QUANTIZABLE: readonly string[] = [...QUANTIZERS.keys()];

/** Options for {@linkcode quantizeRows}. */
export interface QuantizeRowsOptions {
  /**
   * How much each column matters, `[columns]`, finite and not below 0. Defaults
   * to what is unknown.
   */
  importance?: Float32Array | undefined;
  /** What the blocks are written to. Defaults to a new array. */
  out?: Uint8Array<ArrayBuffer>;
}

/**
 * Packs rows of weights in a block format, to the bytes that llama.cpp's
 * reference quantizers write on x86-64.
 *
 * @param format ggml's name of the format, one of {@linkcode QUANTIZABLE}.
 * @param rows Weights, `[count, columns]`; they are not checked to be finite.
 * @param columns Weights of a row.
 * @param options Importance of the columns, and where the blocks go.
 * @returns The blocks, row by row.
 * @throws {TypeError} If the format cannot be packed.
 * @throws {RangeError} If the rows are no whole blocks, or a length is wrong.
 */
export function quantizeRows(
  format: string,
  rows: Float32Array,
  columns: number,
  { importance, out }: QuantizeRowsOptions = {},
): Uint8Array<ArrayBuffer> {
  const create = QUANTIZERS.get(format);
  if (create === undefined) {
    throw new TypeError(
      `Cannot quantize rows: the format is "${format}", ` +
        `one of ${QUANTIZABLE.join(", ")} is wanted`,
    );
  }
  const rowBytes = bytesOfRow(blockFormatByName(format)!, columns);
  const count = rows.length / columns;
  if (!Number.isInteger(count)) {
    throw new RangeError(
      `Cannot quantize rows: ${rows.length} weights are given, ` +
        `whole rows of ${columns} are wanted`,
    );
  }
  if (importance !== undefined && importance.length !== columns) {
    throw new RangeError(
      `Cannot quantize rows: importance of ${importance.length} columns is ` +
        `given, ${columns} are wanted`,
    );
  }
  const bad = importance?.findIndex((w) => !(w >= 0 && w < Infinity)) ?? -1;
  if (bad >= 0) {
    throw new RangeError(
      `Cannot quantize rows: importance of column ${bad} is ` +
        `${importance![bad]}, a finite number from 0 on is wanted`,
    );
  }
  const bytes = count * rowBytes;
  if (out !== undefined && out.length !== bytes) {
    throw new RangeError(
      `Cannot quantize rows: there is room for ${out.length} bytes, ` +
        `${bytes} are wanted`,
    );
  }
  const blocks = out ?? new Uint8Array(bytes);
  const quantizer = create(columns, importance);
  for (let i = 0; i < count; i++) {
    quantizer.row(rows, columns * i, blocks, rowBytes * i);
  }
  return blocks;
}

/**
 * Bytes that a row takes in a format.
 *
 * @param format The format.
 * @param columns Weights of the row.
 * @returns The bytes.
 * @throws {RangeError} If the row is no whole number of blocks.
 */
export function bytesOfRow(
  { name, blockSize, bytes }: BlockFormat,
  columns: number,
): number {
  if (!Number.isSafeInteger(columns) || columns < 1 || columns % blockSize) {
    throw new RangeError(
      `Cannot quantize rows to ${name}: they have ${columns} columns, ` +
        `a multiple of ${blockSize} is wanted`,
    );
  }
  return columns / blockSize * bytes;
}
