import { BufferPool } from "../gpu/buffers.ts";
import type { Gpu } from "../gpu/gpu.ts";
import { readTensor, readTensorBytes } from "../gguf/chunks.ts";
import type { TensorInfo } from "../gguf/reader.ts";
import type { ByteSource } from "../gguf/source.ts";
import {
  createMatrix,
  type Matrix,
  matrixBytes,
  strideOf,
} from "../kernels/matrix.ts";
import { type Codec, ROW_GROUP } from "../kernels/quant/codec.ts";
import { CODECS } from "../kernels/quant/codecs.ts";
import { createRepack, type Repack } from "../kernels/quant/repack.ts";
import type { LayerTensors, LlamaTensors } from "./tensors.ts";

/** The weights of one layer on the GPU. */
export interface LayerWeights {
  /** `[dim]` f32 */
  readonly attnNorm: GPUBuffer;
  /** q, k and v one below the other: one matrix, or three. */
  readonly attnQkv: readonly Matrix[];
  /** `[dim, heads * headDim]` */
  readonly attnOutput: Matrix;
  /** `[dim]` f32 */
  readonly ffnNorm: GPUBuffer;
  /** gate and up one below the other: one matrix, or two. */
  readonly ffnGateUp: readonly Matrix[];
  /** `[dim, hiddenDim]` */
  readonly ffnDown: Matrix;
}

/** The weights of a Llama on the GPU, by the checkpoint's names. */
export interface LlamaWeights {
  /** `[vocabularySize, dim]` */
  readonly tokenEmbd: Matrix;
  /** `[dim]` f32 */
  readonly outputNorm: GPUBuffer;
  /** `[vocabularySize, dim]`, the embedding itself where the head is tied. */
  readonly output: Matrix;
  /** `[ropeDims / 2]`, on the CPU. */
  readonly ropeFreqs: Float32Array | undefined;
  /** The layers, in order. */
  readonly layers: readonly LayerWeights[];
}

/** Every matrix that is multiplied with, in the order of the file. */
export function matricesOf({ layers, output }: LlamaWeights): Matrix[] {
  return [
    ...layers.flatMap((layer) => [
      ...layer.attnQkv,
      layer.attnOutput,
      ...layer.ffnGateUp,
      layer.ffnDown,
    ]),
    output,
  ];
}

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

/** Options for {@linkcode loadWeights}. */
export interface LoadWeightsOptions {
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
interface Upload {
  tensor: TensorInfo;
  /** Its rows go here, from `row` on … */
  matrix?: { matrix: Matrix; row: number };
  /** … or its values go here, as f32. */
  vector?: GPUBuffer;
}

/**
 * Allocates all weights, then streams them from the file to the GPU.
 *
 * @param device The device, and the owner of the weights.
 * @param file The file, and the tensors found in it.
 * @param options Progress and interruption.
 * @returns The weights; on failure the pool is freed.
 */
export async function loadWeights(
  { gpu, pool }: { gpu: Gpu; pool: BufferPool },
  { source, tensors }: { source: ByteSource; tensors: LlamaTensors },
  options: LoadWeightsOptions = {},
): Promise<LlamaWeights> {
  const uploads: Upload[] = [];
  const weights = allocate(gpu, pool, tensors, uploads);
  // Before the first byte is read: what does not fit fails here.
  await pool.check("the weights");
  const ropeFreqs = tensors.ropeFreqs === undefined
    ? undefined
    : await readVector(source, tensors.ropeFreqs);
  await uploadAll(gpu, source, uploads, options);
  return { ...weights, ropeFreqs };
}

function allocate(
  gpu: Gpu,
  pool: BufferPool,
  tensors: LlamaTensors,
  uploads: Upload[],
): Omit<LlamaWeights, "ropeFreqs"> {
  const { maxBufferSize, maxStorageBufferBindingSize } = gpu.device.limits;
  const maxBytes = Math.min(maxBufferSize, maxStorageBufferBindingSize);

  const vector = (tensor: TensorInfo) => {
    const buffer = pool.create({
      label: tensor.name,
      size: 4 * strideOf(tensor.elements),
    });
    uploads.push({ tensor, vector: buffer });
    return buffer;
  };
  const matrix = (...stack: TensorInfo[]): Matrix => {
    const options = {
      label: stack.map(({ name }) => name).join("+"),
      rows: stack.reduce((sum, tensor) => sum + rowsOf(tensor), 0),
      cols: stack[0]!.shape[0]!,
      codec: codecOf(stack[0]!),
    };
    const matrix = createMatrix(pool, { ...options, maxBytes });
    let row = 0;
    for (const tensor of stack) {
      uploads.push({ tensor, matrix: { matrix, row } });
      row += rowsOf(tensor);
    }
    return matrix;
  };
  /** As few matrices as the tensors can share, which saves dispatches. */
  const stacked = (...tensors: TensorInfo[]): Matrix[] => {
    const stacks: TensorInfo[][] = [];
    for (const tensor of tensors) {
      const stack = stacks.at(-1);
      if (stack !== undefined && canStack([...stack, tensor], maxBytes)) {
        stack.push(tensor);
      } else {
        stacks.push([tensor]);
      }
    }
    return stacks.map((stack) => matrix(...stack));
  };
  const layer = (layer: LayerTensors): LayerWeights => ({
    attnNorm: vector(layer.attnNorm),
    attnQkv: stacked(layer.attnQ, layer.attnK, layer.attnV),
    attnOutput: matrix(layer.attnOutput),
    ffnNorm: vector(layer.ffnNorm),
    ffnGateUp: stacked(layer.ffnGate, layer.ffnUp),
    ffnDown: matrix(layer.ffnDown),
  });

  const tokenEmbd = matrix(tensors.tokenEmbd);
  return {
    tokenEmbd,
    layers: tensors.layers.map(layer),
    outputNorm: vector(tensors.outputNorm),
    output: tensors.output === undefined ? tokenEmbd : matrix(tensors.output),
  };
}

/** Whether tensors of equal columns can be one matrix of one part. */
function canStack(stack: readonly TensorInfo[], maxBytes: number): boolean {
  const codec = codecOf(stack[0]!);
  const cols = stack[0]!.shape[0]!;
  const rows = stack.reduce((sum, tensor) => sum + rowsOf(tensor), 0);
  return stack.every((tensor) =>
    codecOf(tensor) === codec &&
    // A word of scales may belong to several rows.
    rowsOf(tensor) % ROW_GROUP === 0
  ) && matrixBytes({ rows, cols, codec }) <= maxBytes;
}

async function uploadAll(
  gpu: Gpu,
  source: ByteSource,
  uploads: readonly Upload[],
  { onProgress, signal }: LoadWeightsOptions,
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

async function readVector(
  source: ByteSource,
  tensor: TensorInfo,
): Promise<Float32Array<ArrayBuffer>> {
  const bytes = await readTensorBytes(source, tensor);
  return Float32Array.from(codecOf(tensor).dequantize(bytes));
}

function rowsOf({ elements, shape }: TensorInfo): number {
  return elements / shape[0]!;
}

function codecOf({ format }: TensorInfo): Codec {
  return CODECS.get(format.name)!; // findTensors() has checked it
}
