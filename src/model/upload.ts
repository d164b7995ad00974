import { BufferPool } from "../gpu/buffers.ts";
import type { Gpu } from "../gpu/gpu.ts";
import { readTensorBytes } from "../gguf/chunks.ts";
import { type ByteRange, readAhead } from "../gguf/read_ahead.ts";
import type { TensorInfo } from "../gguf/reader.ts";
import type { ByteSource } from "../gguf/source.ts";
import type { Matrix, MatrixPart } from "../kernels/matrix.ts";
import { type Codec, ROW_GROUP } from "../kernels/quant/codec.ts";
import { CODECS } from "../kernels/quant/codecs.ts";
import { createRepack, repackBytes } from "../kernels/repack.ts";
import { UploadQueue } from "./upload_queue.ts";

/** How far loading is. */
export interface LoadProgress {
  /** Bytes of tensor data that are on their way to the GPU. */
  loadedBytes: number;
  /** Bytes of tensor data in the file. */
  totalBytes: number;
  /** Tensors of which that is all. */
  loadedTensors: number;
  /** Tensors in the file. */
  totalTensors: number;
}

/** Options for {@linkcode uploadAll}. */
export interface UploadOptions {
  /** Called after each chunk. */
  onProgress?: ((progress: LoadProgress) => void) | undefined;
  /** Stops loading. */
  signal?: AbortSignal | undefined;
}

/** Most bytes that are read, uploaded and repacked at once. */
const CHUNK_BYTES = 8 * 2 ** 20;

/** A tensor, and where it goes. */
export interface Upload {
  /** The tensor. */
  tensor: TensorInfo;
  /** Its rows go here, from `row` on … */
  matrix?: { matrix: Matrix; row: number };
  /** … or its values go here, as f32. */
  vector?: GPUBuffer;
}

/** A piece of a tensor that is read and written at once. */
interface Piece extends ByteRange {
  readonly upload: Upload;
  /** The rows of a part that it goes to, where the tensor is a matrix. */
  readonly rows?: { part: MatrixPart; first: number; count: number };
  /** Whether it is the tensor's last. */
  readonly isLast: boolean;
}

/** GPU memory that uploads take besides their targets. */
export interface Staging {
  /** The buffer that weights pass through. */
  uploadBytes: number;
  /** At most so much of what was written waits for the GPU in copies. */
  queuedBytes: number;
}

/**
 * What uploads take besides their targets, until they are done.
 *
 * @param gpu The device.
 * @param uploads The tensors, and where they go.
 * @returns The bytes.
 */
export function stagingOf(gpu: Gpu, uploads: readonly Upload[]): Staging {
  const chunkBytes = chunkBytesOf(gpu, uploads);
  const total = uploads.reduce((sum, { tensor }) => sum + tensor.bytes, 0);
  return {
    uploadBytes: repackBytes(chunkBytes),
    queuedBytes: Math.min(total, UploadQueue.mostBytes(chunkBytes)),
  };
}

/**
 * Streams tensors from the file to the GPU: while it works on a chunk, the next
 * one is read.
 *
 * @param gpu The device.
 * @param source The file.
 * @param uploads The tensors, and where they go.
 * @param options Progress and interruption.
 */
export async function uploadAll(
  gpu: Gpu,
  source: ByteSource,
  uploads: readonly Upload[],
  { onProgress, signal }: UploadOptions,
): Promise<void> {
  signal?.throwIfAborted();
  // The scratch is freed when loading ends, however it ends.
  using scratch = new BufferPool(gpu.device);
  const { queue } = gpu.device;
  const chunkBytes = chunkBytesOf(gpu, uploads);
  const repack = createRepack({ gpu, pool: scratch }, { chunkBytes });
  await scratch.check("the upload buffer");
  const queued = new UploadQueue(queue);
  const progress = {
    loadedBytes: 0,
    totalBytes: uploads.reduce((sum, { tensor }) => sum + tensor.bytes, 0),
    loadedTensors: 0,
    totalTensors: uploads.length,
  };
  const pieces = piecesOf(uploads, chunkBytes);
  for await (const { range, bytes } of readAhead(source, pieces, chunkBytes)) {
    signal?.throwIfAborted();
    const { upload: { tensor, vector, matrix }, rows, isLast } = range;
    if (rows !== undefined) {
      const { part, first: row, count } = rows;
      const { matrix: target } = matrix!;
      await repack.write({ bytes, matrix: target, part, row, rows: count });
    } else {
      queue.writeBuffer(vector!, 0, decode(tensor, bytes));
    }
    await queued.add(bytes.length);
    progress.loadedBytes += bytes.length;
    progress.loadedTensors += Number(isLast);
    onProgress?.({ ...progress });
    signal?.throwIfAborted();
  }
  await queued.finish();
}

/** Bytes of the largest piece that tensors are cut into. */
function chunkBytesOf(gpu: Gpu, uploads: readonly Upload[]): number {
  let largest = 0;
  let least = 0;
  for (const { tensor, vector } of uploads) {
    largest = Math.max(largest, tensor.bytes);
    // Vectors are decoded whole.
    least = Math.max(
      least,
      vector === undefined
        ? ROW_GROUP * tensor.bytes / rowsOf(tensor)
        : tensor.bytes,
    );
  }
  const { maxBufferSize, maxStorageBufferBindingSize } = gpu.device.limits;
  const most = Math.min(maxBufferSize, maxStorageBufferBindingSize) - 16;
  return Math.max(least, Math.min(CHUNK_BYTES, largest, most));
}

/** Cuts tensors into pieces, matrices into whole rows. */
function* piecesOf(
  uploads: readonly Upload[],
  chunkBytes: number,
): Generator<Piece> {
  for (const upload of uploads) {
    const { tensor, matrix } = upload;
    if (matrix === undefined) {
      const { offset, bytes } = tensor;
      yield { upload, offset, bytes, isLast: true };
    } else yield* rowsPieces(upload, matrix, chunkBytes);
  }
}

function* rowsPieces(
  upload: Upload,
  { matrix, row }: { matrix: Matrix; row: number },
  chunkBytes: number,
): Generator<Piece> {
  const { tensor } = upload;
  const all = rowsOf(tensor);
  const rowBytes = tensor.bytes / all;
  // Groups of rows, as several may share a word of scales.
  const groups = Math.floor(chunkBytes / rowBytes / ROW_GROUP);
  const step = Math.max(1, groups) * ROW_GROUP;
  for (const part of matrix.parts) {
    // The rows of the tensor that this part holds.
    const end = Math.min(all, part.firstRow + part.rows - row);
    let first = Math.max(0, part.firstRow - row);
    for (; first < end; first += step) {
      const count = Math.min(step, end - first);
      yield {
        upload,
        offset: tensor.offset + first * rowBytes,
        bytes: count * rowBytes,
        rows: { part, first: row + first - part.firstRow, count },
        isLast: first + count === all,
      };
    }
  }
}

/** Reads a tensor as f32. */
export async function readVector(
  source: ByteSource,
  tensor: TensorInfo,
): Promise<Float32Array<ArrayBuffer>> {
  return decode(tensor, await readTensorBytes(source, tensor));
}

function decode(
  tensor: TensorInfo,
  bytes: Uint8Array,
): Float32Array<ArrayBuffer> {
  return Float32Array.from(codecOf(tensor).dequantize(bytes));
}

/** Outputs of a matrix, as it lies in the file. */
export function rowsOf({ elements, shape }: TensorInfo): number {
  return elements / shape[0]!;
}

/** The format of a tensor, which `findTensors()` has checked. */
export function codecOf({ format }: TensorInfo): Codec {
  return CODECS.get(format.name)!;
}
