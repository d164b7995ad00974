import { BufferPool } from "../gpu/buffers.ts";
import type { Gpu } from "../gpu/gpu.ts";
import { readTensor, readTensorBytes } from "../gguf/chunks.ts";
import type { TensorInfo } from "../gguf/reader.ts";
import type { ByteSource } from "../gguf/source.ts";
import type { Matrix } from "../kernels/matrix.ts";
import { type Codec, ROW_GROUP } from "../kernels/quant/codec.ts";
import { CODECS } from "../kernels/quant/codecs.ts";
import { createRepack, type Repack } from "../kernels/repack.ts";

/** How far loading is. */
export interface LoadProgress {
  /** Bytes of tensor data read. */
  loadedBytes: number;
  /** Bytes of tensor data in the file. */
  totalBytes: number;
  /** Tensors that are done. */
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
const CHUNK_BYTES = 16 * 2 ** 20;
/** Bytes uploaded before the GPU is waited for: they are held twice till then. */
const IN_FLIGHT_BYTES = 128 * 2 ** 20;

/** A tensor, and where it goes. */
export interface Upload {
  /** The tensor. */
  tensor: TensorInfo;
  /** Its rows go here, from `row` on … */
  matrix?: { matrix: Matrix; row: number };
  /** … or its values go here, as f32. */
  vector?: GPUBuffer;
}

/**
 * Streams tensors from the file to the GPU.
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
  // The scratch is freed when loading ends, however it ends.
  using scratch = new BufferPool(gpu.device);
  const { maxBufferSize, maxStorageBufferBindingSize } = gpu.device.limits;
  let largest = 0;
  let largestRow = 0;
  for (const { tensor } of uploads) {
    largest = Math.max(largest, tensor.bytes);
    largestRow = Math.max(largestRow, tensor.bytes / rowsOf(tensor));
  }
  const most = Math.min(maxBufferSize, maxStorageBufferBindingSize) - 16;
  const chunkBytes = Math.max(
    ROW_GROUP * largestRow,
    Math.min(CHUNK_BYTES, largest, most),
  );
  const repack = createRepack({ gpu, pool: scratch }, { chunkBytes });
  await scratch.check("the upload buffer");
  const progress = {
    loadedBytes: 0,
    totalBytes: uploads.reduce((sum, { tensor }) => sum + tensor.bytes, 0),
    loadedTensors: 0,
    totalTensors: uploads.length,
  };
  let inFlight = 0;
  const advance = async (bytes: number) => {
    progress.loadedBytes += bytes;
    inFlight += bytes;
    if (inFlight >= IN_FLIGHT_BYTES) {
      await gpu.device.queue.onSubmittedWorkDone();
      inFlight = 0;
    }
    onProgress?.({ ...progress });
    signal?.throwIfAborted();
  };
  signal?.throwIfAborted();
  for (const { tensor, vector, matrix } of uploads) {
    if (vector !== undefined) {
      const values = await readVector(source, tensor);
      gpu.device.queue.writeBuffer(vector, 0, values);
      progress.loadedTensors++;
      await advance(tensor.bytes);
    } else if (matrix !== undefined) {
      progress.loadedTensors++;
      await uploadMatrix(repack, source, { tensor, ...matrix }, {
        chunkBytes,
        advance,
      });
    }
  }
  await gpu.device.queue.onSubmittedWorkDone();
}

/** Streams a tensor into its rows of a matrix, whole rows at a time. */
async function uploadMatrix(
  repack: Repack,
  source: ByteSource,
  { tensor, matrix, row }: { tensor: TensorInfo; matrix: Matrix; row: number },
  { chunkBytes, advance }: {
    chunkBytes: number;
    advance: (bytes: number) => Promise<void>;
  },
): Promise<void> {
  const rowBytes = tensor.bytes / rowsOf(tensor);
  for (const part of matrix.parts) {
    // The rows of the tensor that this part holds.
    const first = Math.max(row, part.firstRow);
    const end = Math.min(row + rowsOf(tensor), part.firstRow + part.rows);
    if (first >= end) continue;
    const range = {
      ...tensor,
      offset: tensor.offset + (first - row) * rowBytes,
      bytes: (end - first) * rowBytes,
    };
    // Groups of rows, as several may share a word of scales.
    const groups = Math.floor(chunkBytes / rowBytes / ROW_GROUP);
    const step = Math.max(1, groups) * ROW_GROUP;
    const chunks = readTensor(source, range, { chunkBytes: step * rowBytes });
    for await (const { offset, bytes } of chunks) {
      await repack.write({
        bytes,
        matrix,
        part,
        row: first - part.firstRow + offset / rowBytes,
        rows: bytes.length / rowBytes,
      });
      await advance(bytes.length);
    }
  }
}

/** Reads a tensor as f32. */
export async function readVector(
  source: ByteSource,
  tensor: TensorInfo,
): Promise<Float32Array<ArrayBuffer>> {
  const bytes = await readTensorBytes(source, tensor);
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
