import type { BufferPool } from "../gpu/buffers.ts";
import type { Gpu } from "../gpu/gpu.ts";
import type { KernelScope } from "../gpu/kernel.ts";
import { createAttention } from "../kernels/attention.ts";
import { createAttentionStep } from "../kernels/attention_step.ts";
import type {
  AttentionStepVariant,
  AttentionVariant,
} from "../kernels/attention_variants.ts";
import type { RowKind, RowsKernel } from "../kernels/batch.ts";
import { controlRanges } from "../kernels/control.ts";
import { createEmbed } from "../kernels/embed.ts";
import type { KvType } from "../kernels/kv_cache.ts";
import type { ProductChoices } from "../kernels/choices.ts";
import { strideOf } from "../kernels/matrix.ts";
import { createRmsNorm } from "../kernels/rms_norm.ts";
import { createRope, ropeTable } from "../kernels/rope.ts";
import { createSample, type Sample } from "../kernels/sample.ts";
import type { LlamaConfig } from "./config.ts";
import type { KvBuffers } from "./kv_buffers.ts";
import {
  bindGateUp,
  bindLinear,
  type LinearNorm,
  type LinearScope,
} from "./linear.ts";
import { type LlamaState, qkvDim } from "./state.ts";
import type { LayerWeights, LlamaWeights } from "./weights.ts";

/** A Llama on the GPU, its kernels bound to its weights and activations. */
export interface Llama {
  /** The hyperparameters. */
  readonly config: LlamaConfig;
  /** The weights. */
  readonly weights: LlamaWeights;
  /** The activations. */
  readonly state: LlamaState;
  /** Positions that a sequence can have. */
  readonly context: number;
  /** Element type of the KV cache. */
  readonly kv: KvType;
  /** Tokens of the vocabulary, at most the rows of the head. */
  readonly tokens: number;
  /** The choice of the next token. */
  readonly sample: Sample;
  /** Binds the attention of every layer to a sequence's KV cache. */
  bindCache(cache: KvBuffers): readonly BoundAttention[];
  /** Records the layers over a batch; `mark` is told each stage before it. */
  forward(
    pass: GPUComputePassEncoder,
    attention: readonly BoundAttention[],
    batch: LlamaBatch,
    mark?: (stage: LlamaStage) => void,
  ): void;
  /** Records the logits of the rows of the head's batch. */
  head(pass: GPUComputePassEncoder, rows: number, kind: RowKind): void;
}

/** A stage of {@linkcode Llama.forward}. */
export type LlamaStage =
  | "embed"
  | "qkv"
  | "attention"
  | "output"
  | "gate_up"
  | "down";

/** What must be known of a batch to record it. */
export interface LlamaBatch {
  /** Rows, at most `state.batch`. */
  rows: number;
  /** Position of the first row. */
  position: number;
  /** How rows are added up. */
  kind: RowKind;
}

/**
 * Attention of one layer, bound to the KV cache of one sequence: `qkv, cache ->
 * attn, cache`. How it is recorded depends on the position of the first row.
 */
export type BoundAttention = (
  pass: GPUComputePassEncoder,
  batch: LlamaBatch,
) => void;

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
  /** Tokens of the vocabulary. Defaults to the rows of the head. */
  tokens?: number | undefined;
  /** The variant of each product. */
  choices: ProductChoices;
  /** Attention of a batch. Defaults to what the device prefers. */
  attention?: AttentionVariant | undefined;
  /** Attention of one row. Defaults to what the device prefers. */
  attentionStep?: AttentionStepVariant | undefined;
}

/** A layer's kernels, in order; attention stands between qkv and output. */
interface BoundLayer {
  attnQkv: RowsKernel; // x, normalized -> qkv
  attnOutput: RowsKernel; // attn -> x, added
  ffnGateUp: RowsKernel; // x, normalized -> hidden
  ffnDown: RowsKernel; // hidden -> x, added
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
  const { config, weights, state, context, kv, choices } = options;
  const { tokens: size = config.vocabularySize } = options;
  const { dim, hiddenDim, heads, kvHeads, headDim, normEps: eps } = config;
  const { batch, head: headBatch, tokens } = controlRanges(state.control);

  const linear: LinearScope = { gpu, pool, choices, int8: state.int8 };
  const rmsNorm = await createRmsNorm(scope, { dim, eps });
  const shape = { heads, kvHeads, headDim, kv };
  const window = config.slidingWindow;
  const attnStride = strideOf(heads * headDim);
  const rope = await createRope(scope, { ...shape, stride: qkvDim(config) });
  const attention = await createAttention(scope, {
    ...shape,
    stride: attnStride,
    window,
    variant: options.attention,
  });
  const attentionStep = await createAttentionStep(scope, {
    ...shape,
    stride: attnStride,
    window,
    variant: options.attentionStep,
  });
  const table = createRopeTable(gpu, pool, options);
  const sample = await createSample(scope);

  const embed = (await createEmbed(scope, weights.tokenEmbd))
    .bind({ tokens, y: state.x, batch });
  const layers = await Promise.all(weights.layers.map(bindLayer));
  const outputNorm = rmsNorm.bind({
    x: state.x,
    weight: weights.outputNorm,
    y: state.normed,
    batch: headBatch,
  });
  const output = await bindLinear(linear, [weights.output], {
    x: state.normed,
    y: state.logits,
    yStride: config.vocabularySize,
    batch: headBatch,
  });

  async function bindLayer(layer: LayerWeights): Promise<BoundLayer> {
    const { x, normed } = state;
    const residual = { y: x, yStride: strideOf(dim), accumulate: true, batch };
    const normalize = (weight: GPUBuffer): LinearNorm => ({
      dim,
      eps,
      weight,
      normed,
      kernel: rmsNorm.bind({ x, weight, y: normed, batch }),
    });
    return {
      attnQkv: await bindLinear(linear, layer.attnQkv, {
        x,
        norm: normalize(layer.attnNorm),
        y: state.qkv,
        yStride: qkvDim(config),
        batch,
      }),
      attnOutput: await bindLinear(linear, [layer.attnOutput], {
        x: state.attn,
        ...residual,
      }),
      ffnGateUp: await bindGateUp(linear, layer.ffnGateUp, {
        x,
        norm: normalize(layer.ffnNorm),
        gateUp: state.gateUp,
        hidden: state.hidden,
        hiddenDim,
        batch,
      }),
      ffnDown: await bindLinear(linear, [layer.ffnDown], {
        x: state.hidden,
        ...residual,
      }),
    };
  }

  return {
    config,
    weights,
    state,
    context,
    kv,
    tokens: size,
    sample,
    bindCache(cache) {
      const { qkv, q, attn: y } = state;
      return cache.layers.map(({ k, v }) => {
        const step = attentionStep.bind({ qkv, table, k, v, y, batch });
        const append = rope.bind({ qkv, table, q, k, v, batch });
        const attend = attention.bind({ q, k, v, y, batch });
        return (pass, batch) => {
          if (batch.kind === "step") return step(pass, batch);
          append(pass, batch.rows);
          attend(pass, batch.rows);
        };
      });
    },
    forward(pass, attention, batch, mark) {
      const { rows, kind } = batch;
      mark?.("embed");
      embed(pass, rows);
      for (const [i, layer] of layers.entries()) {
        mark?.("qkv");
        layer.attnQkv(pass, rows, kind);
        mark?.("attention");
        attention[i]!(pass, batch);
        mark?.("output");
        layer.attnOutput(pass, rows, kind);
        mark?.("gate_up");
        layer.ffnGateUp(pass, rows, kind);
        mark?.("down");
        layer.ffnDown(pass, rows, kind);
      }
    },
    head(pass, rows, kind) {
      outputNorm(pass, rows);
      output(pass, rows, kind);
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
