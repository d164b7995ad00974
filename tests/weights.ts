import type { KernelScope } from "../src/gpu/kernel.ts";
import { createMatrix, type Matrix } from "../src/kernels/matrix.ts";
import { BLOCK, type Codec } from "../src/kernels/quant/codec.ts";
import { createRepack } from "../src/kernels/quant/repack.ts";
import { randomFloats } from "./gpu.ts";

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
  const { fileBlock } = codec;
  const blocks = rows * cols / fileBlock.weights;
  const bytes = new Uint8Array(blocks * fileBlock.bytes);
  const view = new DataView(bytes.buffer);
  if (fileBlock.weights > 1) {
    const random = randomFloats(bytes.length, seed);
    for (let i = 0; i < bytes.length; i++) bytes[i] = random[i]! * 2 ** 16;
    for (let i = 0; i < bytes.length; i += fileBlock.bytes) {
      for (const { offset } of fileBlock.floats) {
        view.setFloat16(i + offset, 0.01 + random[i]! / 100, true);
      }
    }
    return { rows, cols, codec, bytes };
  }
  for (const [i, value] of randomFloats(rows * cols, seed).entries()) {
    if (codec.name === "F32") view.setFloat32(4 * i, value, true);
    else if (codec.name === "F16") view.setFloat16(2 * i, value, true);
    else view.setUint16(2 * i, bfloat16(value), true);
  }
  return { rows, cols, codec, bytes };
}

/** The upper half of an f32. */
function bfloat16(value: number): number {
  return new Uint32Array(Float32Array.of(value).buffer)[0]! >>> 16;
}

/** How {@linkcode uploadMatrix} cuts a matrix up. */
export interface UploadMatrixOptions {
  /** Most bytes in a buffer. Defaults to all that a binding holds. */
  maxBytes?: number;
  /** Rows that are repacked at once, an even number. Defaults to all. */
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
  const repack = createRepack(scope, { chunkBytes: chunkRows * rowBytes });
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
  return matrix;
}
