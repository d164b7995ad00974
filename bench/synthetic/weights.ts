import { createRandomRows, fillMatrix } from "../../src/bench/weights.ts";
import { BufferPool } from "../../src/gpu/buffers.ts";
import type { KernelScope } from "../../src/gpu/kernel.ts";
import type { Matrix } from "../../src/kernels/matrix.ts";
import type { Codec } from "../../src/kernels/quant/codec.ts";
import { randomBlocks } from "../../src/kernels/quant/random_blocks.ts";
import type { LlamaTensors } from "../../src/model/tensors.ts";
import { allocateWeights, type LlamaWeights } from "../../src/model/weights.ts";
import { PATTERN_ROWS } from "./types.ts";

/**
 * Allocates the weights of a model and fills them with random blocks: each
 * matrix with some rows of its own, repeated by the GPU. Products of them are
 * as large as what they are multiplied with, so that a model of any depth stays
 * finite, and norms are ones.
 *
 * @param scope The device, and the owner of the weights.
 * @param tensors The model's tensors.
 * @param options Interruption.
 * @returns The weights.
 * @throws {GpuMemoryError} If the GPU has no room.
 */
export async function createRandomWeights(
  { gpu, pool }: KernelScope,
  tensors: LlamaTensors,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<LlamaWeights> {
  const { weights, uploads } = allocateWeights({ gpu, pool }, tensors);
  await pool.check("the weights");
  const matrices = new Set<Matrix>();
  for (const { tensor, vector, matrix } of uploads) {
    if (matrix !== undefined) matrices.add(matrix.matrix);
    if (vector === undefined) continue;
    const ones = new Float32Array(tensor.elements).fill(1);
    gpu.device.queue.writeBuffer(vector, 0, ones);
  }
  const sizes = new Map<Codec, number>();
  let seed = 1;
  for (const matrix of matrices) {
    signal?.throwIfAborted();
    const { codec, cols } = matrix;
    const unit = sizes.get(codec) ?? unitSize(codec);
    sizes.set(codec, unit);
    using scratch = new BufferPool(gpu.device);
    const rows = await createRandomRows({ gpu, pool: scratch }, codec, {
      cols,
      rows: PATTERN_ROWS,
      seed: seed++,
      size: unit / Math.sqrt(cols),
    });
    fillMatrix(gpu.device, rows, matrix);
  }
  await gpu.device.queue.onSubmittedWorkDone();
  return { ...weights, ropeFreqs: undefined };
}

/** What random blocks are multiplied with for weights of the size 1. */
function unitSize(codec: Codec): number {
  const sample = codec.dequantize(randomBlocks(codec, { weights: 8192 }));
  const squares = sample.reduce((sum, weight) => sum + weight * weight, 0);
  return Math.sqrt(sample.length / squares);
}
