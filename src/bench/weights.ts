import type { KernelScope } from "../gpu/kernel.ts";
import { createMatrix, type Matrix } from "../kernels/matrix.ts";
import type { Codec } from "../kernels/quant/codec.ts";
import { randomBlocks } from "../kernels/quant/random_blocks.ts";
import { createRepack } from "../kernels/repack.ts";

/** Rows of random weights, on the GPU and as a file has them. */
export interface RandomRows {
  /** The rows in the codec's layout. */
  matrix: Matrix;
  /** The same, `[rows, cols]`, in the file's blocks. */
  bytes: Uint8Array<ArrayBuffer>;
}

/**
 * Rows that a matrix repeats: as many as end with a whole 16-byte word in every
 * plane of every format.
 */
export const RANDOM_ROWS = 16;

/** Options for {@linkcode createRandomRows}. */
export interface CreateRandomRowsOptions {
  /** Weights in a row, whole blocks of the format. */
  cols: number;
  /** How many rows. Defaults to {@linkcode RANDOM_ROWS}. */
  rows?: number;
  /** Of the random numbers. Defaults to `cols`. */
  seed?: number;
  /** What the weights are multiplied with. Defaults to 1. */
  size?: number;
}

/**
 * Puts rows of random weights on the GPU as the loader does.
 *
 * @param scope The device, and the owner of the rows.
 * @param codec The format.
 * @param options Which weights.
 * @returns The rows, and the bytes of a file that they were made of.
 */
export async function createRandomRows(
  scope: KernelScope,
  codec: Codec,
  { cols, rows = RANDOM_ROWS, seed = cols, size = 1 }: CreateRandomRowsOptions,
): Promise<RandomRows> {
  const bytes = randomBlocks(codec, { weights: rows * cols, seed, size });
  const matrix = createMatrix(scope.pool, {
    label: `bench.${codec.name}.rows`,
    rows,
    cols,
    codec,
    maxBytes: Infinity,
  });
  const repack = createRepack(scope, {
    chunkBytes: bytes.length,
    codecs: [codec],
  });
  await scope.pool.check("rows of random weights");
  const [part] = matrix.parts;
  await repack.write({ bytes, matrix, part: part!, row: 0, rows });
  repack.finish();
  return { matrix, bytes };
}

/**
 * Fills a matrix by repeating rows, from the first row of each part, on the GPU
 * alone: 500 MB from JavaScript would take longer than measuring them.
 *
 * @param device The device of both.
 * @param rows What to repeat.
 * @param matrix What to fill, of the same format and columns.
 */
export function fillMatrix(
  device: GPUDevice,
  { matrix: { parts: [source] } }: Pick<RandomRows, "matrix">,
  matrix: Matrix,
): void {
  for (const part of matrix.parts) {
    for (const plane of ["quants", "scales", "high"] as const) {
      const [from, to] = [source![plane], part[plane]];
      if (from !== undefined && to !== undefined) fillBuffer(device, from, to);
    }
  }
}

/** Fills a buffer with copies of a smaller one, the last one cut. */
export function fillBuffer(
  device: GPUDevice,
  source: GPUBuffer,
  target: GPUBuffer,
): void {
  const encoder = device.createCommandEncoder({ label: "fill" });
  for (let start = 0; start < target.size; start += source.size) {
    const bytes = Math.min(source.size, target.size - start);
    encoder.copyBufferToBuffer(source, 0, target, start, bytes);
  }
  device.queue.submit([encoder.finish()]);
}
