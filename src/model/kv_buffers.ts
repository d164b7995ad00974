import type { BufferPool } from "../gpu/buffers.ts";
import { headBytes, type KvType } from "../kernels/kv_cache.ts";
import type { LlamaConfig } from "./config.ts";

/** The KV cache of one sequence: two buffers a layer, `[context, kvHeads, words]`. */
export interface KvBuffers {
  /** The layers, in order. */
  readonly layers: readonly { readonly k: GPUBuffer; readonly v: GPUBuffer }[];
}

/** Options for {@linkcode createKvBuffers}. */
export interface CreateKvBuffersOptions {
  /** The hyperparameters. */
  config: LlamaConfig;
  /** Positions. */
  context: number;
  /** Element type. */
  kv: KvType;
}

/** Bytes of a KV cache. */
export function kvBytes(
  { config, context, kv }: CreateKvBuffersOptions,
): number {
  return 2 * config.layers * context * positionBytes(config, kv);
}

/** Bytes of one position of k, or of v, in one layer. */
export function positionBytes(
  { kvHeads, headDim }: LlamaConfig,
  kv: KvType,
): number {
  return kvHeads * headBytes(headDim, kv);
}

/**
 * Allocates the KV cache of one sequence.
 *
 * @param pool The owner of the buffers.
 * @param options Its shape.
 * @returns The buffers, all zeros.
 */
export function createKvBuffers(
  pool: BufferPool,
  { config, context, kv }: CreateKvBuffersOptions,
): KvBuffers {
  const size = context * positionBytes(config, kv);
  const layers = Array.from({ length: config.layers }, (_, i) => ({
    k: pool.create({ label: `cache.${i}.k`, size }),
    v: pool.create({ label: `cache.${i}.v`, size }),
  }));
  return { layers };
}
