import type { KernelScope } from "../src/gpu/kernel.ts";
import { createMatrix, type Matrix } from "../src/kernels/matrix.ts";
import { BLOCK, type Codec } from "../src/kernels/quant/codec.ts";
import { randomBlocks } from "../src/kernels/quant/random_blocks.ts";
import { createRepack } from "../src/kernels/repack.ts";

/** A weight matrix as it lies in a file. */
export interface RawMatrix {
  /** Outputs. */
  rows: number;
  /** Inputs, whole blocks of the format. */
  cols: number;
  /** The format. */
  codec: Codec;
  /** `rows` rows of the format's blocks. */
  bytes: Uint8Array<ArrayBuffer>;
}

/** Inputs of three blocks, of the format or of 32 where that is more. */
export function threeBlocks({ fileBlock }: Codec): number {
  return 3 * Math.max(BLOCK, fileBlock.weights);
}

/** Seeded weights, roughly normal where the format is one of floats. */
export function randomMatrix(
  codec: Codec,
  { rows, cols, seed = 1 }: { rows: number; cols: number; seed?: number },
): RawMatrix {
  const bytes = randomBlocks(codec, { weights: rows * cols, seed });
  return { rows, cols, codec, bytes };
}

/** How {@linkcode uploadMatrix} cuts a matrix up. */
export interface UploadMatrixOptions {
  /** Most bytes in a buffer. Defaults to all that a binding holds. */
  maxBytes?: number;
  /** Rows that are repacked at once, a multiple of 4. Defaults to all. */
  chunkRows?: number;
}

/** Puts a matrix on the GPU as the loader does. */
export async function uploadMatrix(
  scope: KernelScope,
  { rows, cols, codec, bytes }: RawMatrix,
  options: UploadMatrixOptions = {},
): Promise<Matrix> {
  const {
    maxBytes = scope.gpu.device.limits.maxStorageBufferBindingSize,
    chunkRows = rows,
  } = options;
  const matrix = createMatrix(scope.pool, {
    label: `test.${codec.name}`,
    rows,
    cols,
    codec,
    maxBytes,
  });
  const rowBytes = bytes.length / rows;
  const repack = createRepack(scope, {
    chunkBytes: chunkRows * rowBytes,
    codecs: [codec],
  });
  for (const part of matrix.parts) {
    for (let row = 0; row < part.rows; row += chunkRows) {
      const count = Math.min(chunkRows, part.rows - row);
      const start = (part.firstRow + row) * rowBytes;
      await repack.write({
        bytes: bytes.subarray(start, start + count * rowBytes),
        matrix,
        part,
        row,
        rows: count,
      });
    }
  }
  repack.finish();
  return matrix;
}
