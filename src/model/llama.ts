import type { BufferPool } from "../gpu/buffers.ts";
import type { Gpu } from "../gpu/gpu.ts";
import type { KernelScope } from "../gpu/kernel.ts";
import { createAttention } from "../kernels/attention.ts";
import type { BatchKernel } from "../kernels/batch.ts";
import { createEmbed } from "../kernels/embed.ts";
import type { KvType } from "../kernels/kv_cache.ts";
import { createMatmul } from "../kernels/matmul.ts";
import { type Matrix, strideOf } from "../kernels/matrix.ts";
import { createMatvec, createMatvecSwiglu } from "../kernels/matvec.ts";
import { createRmsNorm } from "../kernels/rms_norm.ts";
import { createRope, ropeTable } from "../kernels/rope.ts";
import { createSwiglu } from "../kernels/swiglu.ts";
import type { LlamaConfig } from "./config.ts";
import type { KvBuffers } from "./kv_buffers.ts";
import { controlBindings, type LlamaState, qkvDim } from "./state.ts";
import type { LayerWeights, LlamaWeights } from "./weights.ts";

/** A Llama on the GPU, its kernels bound to its weights and activations. */
export interface Llama {
  /** The hyperparameters. */
  readonly config: LlamaConfig;
  /** The activations. */
  readonly state: LlamaState;
  /** Positions that a sequence can have. */
  readonly context: number;
  /** Element type of the KV cache. */
  readonly kv: KvType;
  /** Binds the attention of every layer to a sequence's KV cache. */
  bindCache(cache: KvBuffers): readonly BoundAttention[];
  /** Records the layers over the rows of the batch. */
  forward(
    pass: GPUComputePassEncoder,
    attention: readonly BoundAttention[],
    rows: number,
  ): void;
  /** Records the logits of the rows of the head's batch. */
  head(pass: GPUComputePassEncoder, rows: number): void;
}

/** Attention of one layer, bound to the KV cache of one sequence. */
export interface BoundAttention {
  /** Rotates q and k, appends k and v: `qkv -> q, cache`. */
  readonly rope: BatchKernel;
  /** `q, cache -> attn` */
  readonly attention: BatchKernel;
}

/** Options for {@linkcode createLlama}. */
export interface CreateLlamaOptions {
  /** The hyperparameters. */
  config: LlamaConfig;
  /** The weights. */
  weights: LlamaWeights;
  /** The activations. */
  state: LlamaState;
  /** Positions that a sequence can have. */
  context: number;
  /** Element type of the KV cache. */
  kv: KvType;
}

/** A layer's kernels, in order; attention stands between qkv and output. */
interface BoundLayer {
  attnNorm: BatchKernel; // x -> normed
  attnQkv: BatchKernel; // normed -> qkv
  attnOutput: BatchKernel; // attn -> x, added
  ffnNorm: BatchKernel; // x -> normed
  ffnGateUp: BatchKernel; // normed -> hidden
  ffnDown: BatchKernel; // hidden -> x, added
}

/**
 * Compiles a Llama's kernels and binds them to its weights and activations.
 *
 * @param scope The device and the owner of the parameters.
 * @param options The model.
 * @returns The model, ready to record steps.
 */
export async function createLlama(
  scope: KernelScope,
  options: CreateLlamaOptions,
): Promise<Llama> {
  const { gpu, pool } = scope;
  const { config, weights, state, context, kv } = options;
  const { dim, hiddenDim, heads, kvHeads, headDim, normEps: eps } = config;
  const { batch, head: headBatch, tokens } = controlBindings(state);

  const rmsNorm = await createRmsNorm(scope, { dim, eps });
  const shape = { heads, kvHeads, headDim, kv };
  const rope = await createRope(scope, { ...shape, stride: qkvDim(config) });
  const attention = await createAttention(scope, {
    ...shape,
    stride: strideOf(heads * headDim),
  });
  const table = createRopeTable(gpu, pool, options);

  const embed = (await createEmbed(scope, weights.tokenEmbd))
    .bind({ tokens, y: state.x, batch });
  const layers = await Promise.all(weights.layers.map(bindLayer));
  const outputNorm = rmsNorm.bind({
    x: state.x,
    weight: weights.outputNorm,
    y: state.normed,
    batch: headBatch,
  });
  const output = await bindLinear(scope, [weights.output], {
    x: state.normed,
    y: state.logits,
    yStride: config.vocabularySize,
    batch: headBatch,
  });

  async function bindLayer(layer: LayerWeights): Promise<BoundLayer> {
    const { x, normed } = state;
    const residual = { y: x, yStride: strideOf(dim), accumulate: true, batch };
    return {
      attnNorm: rmsNorm.bind({ x, weight: layer.attnNorm, y: normed, batch }),
      attnQkv: await bindLinear(scope, layer.attnQkv, {
        x: normed,
        y: state.qkv,
        yStride: qkvDim(config),
        batch,
      }),
      attnOutput: await bindLinear(scope, [layer.attnOutput], {
        x: state.attn,
        ...residual,
      }),
      ffnNorm: rmsNorm.bind({ x, weight: layer.ffnNorm, y: normed, batch }),
      ffnGateUp: await bindGateUp(scope, layer.ffnGateUp, {
        state,
        hiddenDim,
        batch,
      }),
      ffnDown: await bindLinear(scope, [layer.ffnDown], {
        x: state.hidden,
        ...residual,
      }),
    };
  }

  return {
    config,
    state,
    context,
    kv,
    bindCache(cache) {
      const { qkv, q, attn } = state;
      return cache.layers.map(({ k, v }) => ({
        rope: rope.bind({ qkv, table, q, k, v, batch }),
        attention: attention.bind({ q, k, v, y: attn, batch }),
      }));
    },
    forward(pass, bound, rows) {
      embed(pass, rows);
      for (const [i, layer] of layers.entries()) {
        // Attention
        layer.attnNorm(pass, rows);
        layer.attnQkv(pass, rows);
        bound[i]!.rope(pass, rows);
        bound[i]!.attention(pass, rows);
        layer.attnOutput(pass, rows);
        // Feed-forward
        layer.ffnNorm(pass, rows);
        layer.ffnGateUp(pass, rows);
        layer.ffnDown(pass, rows);
      }
    },
    head(pass, rows) {
      outputNorm(pass, rows);
      output(pass, rows);
    },
  };
}

function createRopeTable(
  { device }: Gpu,
  pool: BufferPool,
  { config, weights, context }: CreateLlamaOptions,
): GPUBuffer {
  // Before the table is made: a device that cannot hold it says so here.
  const buffer = pool.create({
    label: "rope.table",
    size: 4 * context * config.headDim,
  });
  const table = ropeTable({
    context,
    headDim: config.headDim,
    dims: config.ropeDims,
    base: config.ropeBase,
    factor: config.ropeFactor,
    ...(weights.ropeFreqs && { frequencyFactors: weights.ropeFreqs }),
  });
  device.queue.writeBuffer(buffer, 0, table);
  return buffer;
}

/** Buffers and options of a linear layer. */
interface LinearOptions {
  x: GPUBuffer;
  y: GPUBuffer;
  yStride: number;
  accumulate?: boolean;
  batch: GPUBufferBinding;
}

/** A stack of matrices, as a vector product for one row and a matrix one else. */
async function bindLinear(
  scope: KernelScope,
  stack: readonly Matrix[],
  { x, y, yStride, accumulate = false, batch }: LinearOptions,
): Promise<BatchKernel> {
  const one: BatchKernel[] = [];
  const many: BatchKernel[] = [];
  let offset = 0;
  for (const w of stack) {
    const matvec = await createMatvec(scope, w, { accumulate, offset });
    const options = { yStride, accumulate, offset };
    const matmul = await createMatmul(scope, w, options);
    one.push(matvec.bind({ x, y }));
    many.push(matmul.bind({ x, y, batch }));
    offset += w.rows;
  }
  return (pass, rows) => {
    for (const kernel of rows === 1 ? one : many) kernel(pass, rows);
  };
}

/** Gate and up with their activation: one kernel for one row where it can be. */
async function bindGateUp(
  scope: KernelScope,
  stack: readonly Matrix[],
  { state, hiddenDim, batch }: {
    state: LlamaState;
    hiddenDim: number;
    batch: GPUBufferBinding;
  },
): Promise<BatchKernel> {
  const { normed, gateUp, hidden } = state;
  const linear = await bindLinear(scope, stack, {
    x: normed,
    y: gateUp,
    yStride: 2 * hiddenDim,
    batch,
  });
  const swiglu = (await createSwiglu(scope, {
    dim: hiddenDim,
    xStride: 2 * hiddenDim,
    yStride: strideOf(hiddenDim),
  })).bind({ x: gateUp, y: hidden, batch });
  const fused = stack.length === 1 && stack[0]!.parts.length === 1
    ? (await createMatvecSwiglu(scope, stack[0]!))
      .bind({ x: normed, y: hidden })
    : undefined;
  return (pass, rows) => {
    if (rows === 1 && fused !== undefined) return fused(pass, rows);
    linear(pass, rows);
    swiglu(pass, rows);
  };
}
