import type { KernelScope } from "../gpu/kernel.ts";
import { nextTurn } from "../gpu/next_turn.ts";
import type { KvType } from "../kernels/kv_cache.ts";
import type { LlamaConfig } from "../model/config.ts";
import { createLlama } from "../model/llama.ts";
import { Sequence } from "../model/sequence.ts";
import { createState } from "../model/state.ts";
import { type LlamaWeights, matricesOf } from "../model/weights.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { chooseProducts } from "../tune/choose.ts";
import { chooseAttention } from "../tune/choose_attention.ts";
import { checkFixed } from "../tune/fixed.ts";
import type { TuneMode } from "../tune/mode.ts";
import { Model } from "./model.ts";

/** What a model is put together from, wherever it came from. */
export interface AssembleParts {
  /** The hyperparameters. */
  config: LlamaConfig;
  /** The weights, on the GPU. */
  weights: LlamaWeights;
  /** The tokenizer. */
  tokenizer: Tokenizer;
  /** The chat template, where there is one. */
  template?: string | undefined;
}

/** Options for {@linkcode assembleModel}. */
export interface AssembleOptions {
  /** Positions of a conversation. */
  contextLength: number;
  /** Prompt tokens that run in one step. */
  batchSize: number;
  /** Element type of the KV cache. */
  kv: KvType;
  /** Whether the input of products is rounded to 8 bits. */
  int8: boolean;
  /** Whether kernel variants are measured. */
  tune: TuneMode;
  /** When loading began, as `performance.now()` had it. */
  start: number;
  /** Stops it. */
  signal?: AbortSignal | undefined;
}

/**
 * Puts a model together from weights that are on the GPU: chooses and compiles
 * kernels, and allocates activations and the first KV cache.
 *
 * @param scope The device and the owner of the weights, which the model frees.
 * @param parts What it is made of.
 * @param options How it runs.
 * @returns The model; on failure everything stays the caller's to free.
 * @throws {GpuMemoryError} If the GPU has no room.
 */
export async function assembleModel(
  { gpu, pool }: KernelScope,
  { config, weights, tokenizer, template }: AssembleParts,
  options: AssembleOptions,
): Promise<Model> {
  const { contextLength, batchSize, kv, int8, tune, start, signal } = options;
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
  const state = createState(gpu, pool, { config, batch: batchSize, int8 });
  const llama = await createLlama({ gpu, pool }, {
    config,
    weights,
    state,
    context: contextLength,
    kv,
    choices,
    attention,
    attentionStep,
  });
  await pool.check("the activations");
  // The first conversation's cache belongs to what must fit.
  const sequence = await Sequence.create(gpu, llama);
  await nextTurn(); // an abort may be waiting for one
  signal?.throwIfAborted();
  return new Model({
    gpu,
    pool,
    llama,
    sequence,
    tokenizer,
    template,
    loadMs: performance.now() - start,
    kernels: [...choices.report, ...report],
  });
}
