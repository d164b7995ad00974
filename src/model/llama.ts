import type { BufferPool } from "../gpu/buffers.ts";
import type { Gpu } from "../gpu/gpu.ts";
import type { KernelScope } from "../gpu/kernel.ts";
import { createAttention } from "../kernels/attention.ts";
import { createAttentionStep } from "../kernels/attention_step.ts";
import type {
  AttentionStepVariant,
  AttentionVariant,
} from "../kernels/attention_variants.ts";
import { MAX_STEPS, type RowKind } from "../kernels/batch.ts";
import { type Bias, createBias } from "../kernels/bias.ts";
import { controlRanges } from "../kernels/control.ts";
import { createEmbed } from "../kernels/embed.ts";
import type { KvType } from "../kernels/kv_cache.ts";
import type { ProductChoices } from "../kernels/choices.ts";
import { strideOf } from "../kernels/matrix.ts";
import { createMask, type Mask } from "../kernels/mask.ts";
import { createRmsNorm } from "../kernels/rms_norm.ts";
import { createRope, ropeTable } from "../kernels/rope.ts";
import { createSample, type Sample } from "../kernels/sample.ts";
import type { LlamaConfig } from "./config.ts";
import type { KvBuffers } from "./kv_buffers.ts";
import { bindLayer } from "./layer.ts";
import { bindLinear } from "./linear.ts";
import { type LlamaState, qkvDim } from "./state.ts";
import type { LlamaWeights } from "./weights.ts";

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
  /** What is added to logits before it. */
  readonly bias: Bias;
  /** Compiles the mask of tokens, once. */
  mask(): Promise<Mask>;
  /**
   * Compiles what several rows of the kind `"step"` need; without it there is
   * one at a time.
   */
  widen(): Promise<void>;
  /**
   * Binds the attention of every layer to a sequence's KV cache, for batches that
   * are all of one part, or for the part `lane` of one.
   */
  bindCache(cache: KvBuffers, lane?: number): readonly BoundAttention[];
  /**
   * What recording rows of the kind `"step"` takes from their position: where
   * this is equal, so is what is recorded.
   */
  partsAt(batch: { rows: number; position: number }): number;
  /** Records the layers over a batch; `mark` is told each stage before it. */
  forward(
    pass: GPUComputePassEncoder,
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
  /** How rows are added up. */
  kind: RowKind;
  /** Its rows by sequences, at most `state.batch` of them or `MAX_STEPS` steps. */
  parts: readonly BatchPart[];
}

/** Rows of a batch that follow each other in one sequence. */
export interface BatchPart {
  /** How many. */
  rows: number;
  /** Position of the first one. */
  position: number;
  /** The sequence's cache, from {@linkcode Llama.bindCache}. */
  attention: readonly BoundAttention[];
}

/** Rows that follow each other in one sequence. */
export interface LlamaRows extends Omit<BatchPart, "attention"> {
  /** How they are added up. */
  kind: RowKind;
}

/**
 * Attention of one layer, bound to the KV cache of one sequence: `qkv, cache ->
 * attn, cache`. How it is recorded depends on the position of the first row.
 */
export type BoundAttention = (
  pass: GPUComputePassEncoder,
  rows: LlamaRows,
) => void;

/** A batch that is all of one part. */
export function batchOf(
  { kind, ...rows }: LlamaRows,
  attention: readonly BoundAttention[],
): LlamaBatch {
  return { kind, parts: [{ ...rows, attention }] };
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
  /** Tokens of the vocabulary. Defaults to the rows of the head. */
  tokens?: number | undefined;
  /** The variant of each product. */
  choices: ProductChoices;
  /** Attention of a batch. Defaults to what the device prefers. */
  attention?: AttentionVariant | undefined;
  /** Attention of one row. Defaults to what the device prefers. */
  attentionStep?: AttentionStepVariant | undefined;
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
  const { dim, heads, kvHeads, headDim, normEps: eps } = config;
  const ranges = controlRanges(state.control);
  const { batch, head: headBatch, tokens } = ranges;

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
  const bias = await createBias(scope);

  const embed = (await createEmbed(scope, weights.tokenEmbd))
    .bind({ tokens, y: state.x, batch });
  const outputNorm = rmsNorm.bind({
    x: state.x,
    weight: weights.outputNorm,
    y: state.normed,
    batch: headBatch,
  });
  let products = await bindProducts(1);
  let mask: Promise<Mask> | undefined;

  /** Binds all products, for so many rows of the kind `"step"`. */
  async function bindProducts(steps: number) {
    const linear = { gpu, pool, choices, int8: state.int8, steps };
    const layers = await Promise.all(
      weights.layers.map((layer) =>
        bindLayer(linear, layer, { config, state, batch, rmsNorm })
      ),
    );
    const output = await bindLinear(linear, [weights.output], {
      x: state.normed,
      y: state.logits,
      yStride: config.vocabularySize,
      batch: headBatch,
    });
    return { layers, output };
  }

  async function widen(): Promise<void> {
    const wide = await bindProducts(MAX_STEPS);
    await pool.check("the parameters of wide kernels");
    products = wide;
  }

  return {
    config,
    weights,
    state,
    context,
    kv,
    tokens: size,
    sample,
    bias,
    mask: () => mask ??= createMask(scope),
    widen,
    bindCache(cache, lane) {
      const { qkv, q, attn: y, branches } = state;
      const batch = lane === undefined ? ranges.batch : ranges.lane(lane);
      return cache.layers.map(({ k, v }) => {
        const step = attentionStep.bind({ qkv, table, k, v, y, batch });
        const cache = { k, v, batch, branches };
        const append = rope.bind({ ...cache, qkv, table, q });
        const attend = attention.bind({ ...cache, q, y });
        return (pass, { rows, position, kind }) => {
          if (kind === "step") return step(pass, { rows, position });
          append(pass, rows);
          attend(pass, rows);
        };
      });
    },
    partsAt: attentionStep.parts,
    forward(pass, { kind, parts }, mark) {
      const rows = parts.reduce((sum, { rows }) => sum + rows, 0);
      mark?.("embed");
      embed(pass, rows);
      for (const [i, layer] of products.layers.entries()) {
        mark?.("qkv");
        layer.attnQkv(pass, rows, kind);
        mark?.("attention");
        for (const { attention, rows, position } of parts) {
          attention[i]!(pass, { rows, position, kind });
        }
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
      products.output(pass, rows, kind);
    },
  };
}

/** Allocates the angles of rotary embedding, `[context, headDim / 2]` vec2f. */
export function createRopeBuffer(
  pool: BufferPool,
  { config, context }: Pick<CreateLlamaOptions, "config" | "context">,
): GPUBuffer {
  const size = 4 * context * config.headDim;
  return pool.create({ label: "rope.table", size });
}

function createRopeTable(
  { device }: Gpu,
  pool: BufferPool,
  options: CreateLlamaOptions,
): GPUBuffer {
  const { config, context } = options;
  const factors = frequencyFactors(options);
  // Before the table is made: a device that cannot hold it says so here.
  const buffer = createRopeBuffer(pool, options);
  const table = ropeTable({
    context,
    headDim: config.headDim,
    dims: config.ropeDims,
    base: config.ropeBase,
    scaling: config.ropeScaling,
    ...(factors && { frequencyFactors: factors }),
  });
  device.queue.writeBuffer(buffer, 0, table);
  return buffer;
}

/** The divisors of the frequencies that are the file's. */
function frequencyFactors(
  { config, weights, context }: CreateLlamaOptions,
): Float32Array | undefined {
  const { type, originalContext } = config.ropeScaling;
  // Its parameters take the place of such a tensor.
  if (type === "llama3") return undefined;
  if (type !== "longrope") return weights.ropeFreqs;
  const { short, long } = weights.ropeFactors!;
  return context > originalContext ? long : short;
}
