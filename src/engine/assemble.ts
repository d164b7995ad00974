import { BufferPool, GpuMemoryError } from "../gpu/buffers.ts";
import type { Gpu } from "../gpu/gpu.ts";
import type { KernelScope } from "../gpu/kernel.ts";
import { nextTurn } from "../gpu/next_turn.ts";
import type { KvType } from "../kernels/kv_cache.ts";
import type { LlamaConfig } from "../model/config.ts";
import { createLlama, type Llama } from "../model/llama.ts";
import type { Architecture } from "../model/architectures.ts";
import { Sequence } from "../model/sequence.ts";
import { createState, type LlamaState } from "../model/state.ts";
import { type LlamaWeights, matricesOf } from "../model/weights.ts";
import { GrammarCache } from "../structure/grammar_cache.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { chooseProducts } from "../tune/choose.ts";
import { chooseAttention } from "../tune/choose_attention.ts";
import { checkFixed } from "../tune/fixed.ts";
import { checkSteps } from "../tune/steps.ts";
import type { TuneMode } from "../tune/mode.ts";
import { GpuEngine, type LlamaParts } from "./gpu_engine.ts";
import { identityOf } from "./identity.ts";
import type { PackedType } from "./load_options.ts";
import { Model } from "./model.ts";
import { LEAST_BATCH, type MemoryPlan } from "./plan.ts";
import { Sequences } from "./sequences.ts";

/** What a model is put together from, wherever it came from. */
export interface AssembleParts {
  /** The hyperparameters. */
  config: LlamaConfig;
  /** The weights, on the GPU. */
  weights: LlamaWeights;
  /** The tokenizer. */
  tokenizer: Tokenizer;
  /** Tells the model apart from others. Defaults to none. */
  fingerprint?: string | undefined;
  /** The chat template, where there is one. */
  template?: string | undefined;
}

/** Options for {@linkcode assembleLlama}. */
export interface AssembleOptions {
  /** Positions of a conversation. */
  contextLength: number;
  /** Most prompt tokens that run in one step. */
  batchSize: number;
  /** Element type of the KV cache. */
  kv: KvType;
  /** How many KV caches are kept. Defaults to 1. */
  keptCaches?: number | undefined;
  /** Bytes beyond which KV caches that are not in use are freed. */
  kvMemory?: number | undefined;
  /** Whether the input of products is rounded to 8 bits. */
  int8: boolean;
  /** What weights were quantized to while they were loaded. */
  as?: PackedType | undefined;
  /** Whether kernel variants are measured. */
  tune: TuneMode;
  /** Makes the forward pass. Defaults to a Llama's. */
  create?: Architecture["create"] | undefined;
  /** Stops it. */
  signal?: AbortSignal | undefined;
}

/**
 * Puts a model together from weights that are on the GPU.
 *
 * @param scope The device and the owner of the weights, which the model frees.
 * @param parts What it is made of.
 * @param options How it runs, when loading began, and the plan of its memory.
 * @returns The model; on failure the weights stay the caller's to free.
 * @throws {GpuMemoryError} If the GPU has no room.
 */
export async function assembleModel(
  scope: KernelScope,
  parts: AssembleParts,
  options: AssembleOptions & { start: number; plan: MemoryPlan },
): Promise<Model> {
  const main = await assembleLlama(scope, parts, options);
  const loadMs = performance.now() - options.start;
  const { tokenizer, template } = parts;
  const grammars = new GrammarCache(tokenizer);
  const { gpu } = scope;
  const { plan } = options;
  const engine = new GpuEngine({ gpu, main, grammars, plan, loadMs });
  return new Model({ engine, tokenizer, template });
}

/**
 * Chooses and compiles kernels, and allocates activations and a KV cache.
 *
 * @param scope The device and the owner of the weights.
 * @param parts What the model is made of.
 * @param options How it runs.
 * @returns Its parts; on failure the weights stay the caller's to free.
 * @throws {GpuMemoryError} If the GPU has no room.
 */
export async function assembleLlama(
  { gpu, pool: weightsPool }: KernelScope,
  { config, weights, tokenizer, fingerprint = "" }: AssembleParts,
  options: AssembleOptions,
): Promise<LlamaParts> {
  const { contextLength, kv, int8, keptCaches = 1, tune, signal } = options;
  const { kvMemory = Infinity } = options;
  const { create = createLlama } = options;
  const choices = await chooseProducts(gpu, matricesOf(weights), {
    tune,
    int8,
    signal,
  });
  const { attention, attentionStep, report } = await chooseAttention(gpu, {
    ...config,
    kv,
  });
  await checkFixed(gpu, weights.tokenEmbd.codec);
  const { pool, state } = await allocateState(gpu, config, options);
  let first: Sequence | undefined;
  let llama: Llama | undefined;
  let widening: Promise<void> | undefined;
  const widen = async () => {
    await checkSteps(gpu, matricesOf(weights), { choices, int8 });
    await llama!.widen();
  };
  try {
    llama = await create({ gpu, pool }, {
      config,
      weights,
      state,
      context: contextLength,
      kv,
      tokens: tokenizer.size,
      choices,
      attention,
      attentionStep,
    });
    await pool.check("the parameters of the kernels");
    // The first conversation's cache belongs to what must fit.
    first = await Sequence.create(gpu, llama);
    await nextTurn(); // an abort may be waiting for one
    signal?.throwIfAborted();
    return {
      llama,
      fingerprint: identityOf(fingerprint, config, {
        context: contextLength,
        int8,
        as: options.as,
      }),
      pools: [weightsPool, pool],
      sequences: new Sequences({ gpu, llama }, first, {
        most: keptCaches,
        budget: kvMemory,
      }),
      kernels: [...choices.report, ...report],
      widen: () => {
        widening ??= widen();
        // What has failed may be tried again.
        widening.catch(() => widening = undefined);
        return widening;
      },
    };
  } catch (error) {
    first?.[Symbol.dispose]();
    pool[Symbol.dispose]();
    throw error;
  }
}

/** Allocates the activations, for fewer rows where the GPU has little room. */
async function allocateState(
  gpu: Gpu,
  config: LlamaConfig,
  { batchSize, int8 }: AssembleOptions,
): Promise<{ pool: BufferPool; state: LlamaState }> {
  for (let batch = batchSize;; batch = Math.ceil(batch / 2)) {
    const pool = new BufferPool(gpu.device);
    try {
      const state = createState(gpu, pool, { config, batch, int8 });
      await pool.check("the activations");
      return { pool, state };
    } catch (error) {
      pool[Symbol.dispose]();
      const isFull = error instanceof GpuMemoryError;
      if (!isFull || batch <= LEAST_BATCH) throw error;
    }
  }
}
