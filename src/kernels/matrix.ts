import type { BufferPool } from "../gpu/buffers.ts";
import { BLOCK, type Codec } from "./quant/codec.ts";

/** Rows of a matrix that lie in buffers of their own. */
export interface MatrixPart {
  /** The first row, within the matrix. */
  readonly firstRow: number;
  /** How many rows. */
  readonly rows: number;
  /** `[rows, blocks, codec.quantWords]` vec4u. */
  readonly quants: GPUBuffer;
  /** `[rows, blocks, codec.scaleBytes]` bytes where the codec has scales. */
  readonly scales: GPUBuffer | undefined;
}

/**
 * A weight matrix `[rows, cols]` on the GPU, each row a whole number of blocks
 * of 32, padded with zeros. It is cut into parts where it is larger than one
 * binding.
 */
export interface Matrix {
  /** Outputs. */
  readonly rows: number;
  /** Inputs. */
  readonly cols: number;
  /** Blocks of 32 in a row. */
  readonly blocks: number;
  /** The format of the weights. */
  readonly codec: Codec;
  /** The rows, in order. */
  readonly parts: readonly MatrixPart[];
}

/** Options for {@linkcode createMatrix}. */
export interface CreateMatrixOptions {
  /** Name shown in errors and GPU captures. */
  label: string;
  /** Outputs. */
  rows: number;
  /** Inputs. */
  cols: number;
  /** The format of the weights. */
  codec: Codec;
  /** Most bytes in one buffer: what one binding of the device can hold. */
  maxBytes: number;
}

/** Floats from one row of activations to the next: whole blocks of 32. */
export function strideOf(dim: number): number {
  return Math.ceil(dim / BLOCK) * BLOCK;
}

/** Bytes that a matrix of this shape takes on the GPU. */
export function matrixBytes(
  { rows, cols, codec }: Pick<CreateMatrixOptions, "rows" | "cols" | "codec">,
): number {
  const blocks = rows * strideOf(cols) / BLOCK;
  return blocks * (16 * codec.quantWords + codec.scaleBytes);
}

/**
 * Allocates a matrix of zeros.
 *
 * @param pool The owner of its buffers.
 * @param options Its shape and format.
 * @returns The matrix, in as many parts as the bindings of the device ask for.
 */
export function createMatrix(
  pool: BufferPool,
  options: CreateMatrixOptions,
): Matrix {
  const { label, rows, cols, codec, maxBytes } = options;
  const blocks = strideOf(cols) / BLOCK;
  const rowBytes = 16 * codec.quantWords * blocks;
  // Two rows share a word of scales where a row has an odd number of blocks.
  const most = Math.max(2, Math.floor(maxBytes / rowBytes / 2) * 2);
  const parts: MatrixPart[] = [];
  for (let firstRow = 0; firstRow < rows; firstRow += most) {
    const count = Math.min(most, rows - firstRow);
    parts.push({
      firstRow,
      rows: count,
      quants: pool.create({
        label: `${label}.quants`,
        size: count * rowBytes,
      }),
      scales: codec.scaleBytes > 0
        ? pool.create({
          label: `${label}.scales`,
          size: count * blocks * codec.scaleBytes,
        })
        : undefined,
    });
  }
  return { rows, cols, blocks, codec, parts };
}
