import type { BufferPool } from "../gpu/buffers.ts";
import type { Gpu } from "../gpu/gpu.ts";
import type { TensorInfo } from "../gguf/reader.ts";
import type { ByteSource } from "../gguf/source.ts";
import {
  createMatrix,
  type Matrix,
  matrixBytes,
  strideOf,
} from "../kernels/matrix.ts";
import { ROW_GROUP } from "../kernels/quant/codec.ts";
import { codecOf, rowsOf, type Upload } from "./pieces.ts";
import type { LayerTensors, LlamaTensors } from "./tensors.ts";
import { readVector, uploadAll, type UploadOptions } from "./upload.ts";

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

/** Divisors of the rotary frequencies, `[ropeDims / 2]`, on the CPU. */
export interface RopeFactors {
  /** For contexts up to the original one. */
  readonly short: Float32Array;
  /** For longer contexts. */
  readonly long: Float32Array;
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
  /** The same for contexts up to the original one and longer ones (LongRoPE). */
  readonly ropeFactors?: RopeFactors | undefined;
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
  options: UploadOptions = {},
): Promise<LlamaWeights> {
  const { weights, uploads } = allocateWeights({ gpu, pool }, tensors);
  // Before the first byte is read: what does not fit fails here.
  await pool.check("the weights");
  const { ropeFreqs, ropeFactors } = tensors;
  const rope = {
    ropeFreqs: ropeFreqs && await readVector(source, ropeFreqs),
    ropeFactors: ropeFactors && {
      short: await readVector(source, ropeFactors.short),
      long: await readVector(source, ropeFactors.long),
    },
  };
  await uploadAll(gpu, source, uploads, options);
  return { ...weights, ...rope };
}

/**
 * Allocates all weights, zeros until they are filled.
 *
 * @param device The device, and the owner of the weights.
 * @param tensors The tensors.
 * @returns The weights, and where each tensor goes.
 */
export function allocateWeights(
  { gpu, pool }: { gpu: Gpu; pool: BufferPool },
  tensors: LlamaTensors,
): {
  weights: Omit<LlamaWeights, "ropeFreqs" | "ropeFactors">;
  uploads: Upload[];
} {
  const uploads: Upload[] = [];
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
  const weights = {
    tokenEmbd,
    layers: tensors.layers.map(layer),
    outputNorm: vector(tensors.outputNorm),
    output: tensors.output === undefined ? tokenEmbd : matrix(tensors.output),
  };
  return { weights, uploads };
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
