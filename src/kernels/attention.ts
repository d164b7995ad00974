import { floatBits } from "../gpu/buffers.ts";
import type { Gpu } from "../gpu/gpu.ts";
import {
  bindBuffers,
  type Binding,
  compileKernel,
  type CompileKernelOptions,
  type KernelScope,
  workgroupSize,
} from "../gpu/kernel.ts";
import batchCode from "./attention_batch.wgsl" with { type: "text" };
import { broadcastCode } from "./attention_broadcast.ts";
import keysCode from "./attention_keys.wgsl" with { type: "text" };
import keysBatchCode from "./attention_keys_batch.wgsl" with { type: "text" };
import sharedCode from "./attention_shared.wgsl" with { type: "text" };
import { tileCode, tileRows } from "./attention_tile.ts";
import {
  type AttentionVariant,
  attentionVariants,
  tileShape,
} from "./attention_variants.ts";
import { type BatchKernel, createNoBranches } from "./batch.ts";
import branchesCode from "./branches.wgsl" with { type: "text" };
import combineSubgroupCode from "./combine_subgroup.wgsl" with { type: "text" };
import combineTreeCode from "./combine_tree.wgsl" with { type: "text" };
import { headOctets, headWords, KV_FORMATS, type KvType } from "./kv_cache.ts";
import reduceSubgroupCode from "./reduce_subgroup.wgsl" with { type: "text" };
import reduceTreeCode from "./reduce_tree.wgsl" with { type: "text" };

/** Buffers of one {@linkcode Attention} dispatch. */
export interface AttentionBuffers {
  /** Rotated queries, `[batch, heads, 2 * octets]` vec4f. */
  q: Binding;
  /** Cache of k, `[context, kvHeads, words]`. */
  k: Binding;
  /** Cache of v, `[context, kvHeads, words]`. */
  v: Binding;
  /** Output, `[batch, stride]` f32. */
  y: Binding;
  /** The batch; see `batch.ts`. */
  batch: Binding;
  /** Where it forks: its rows' branches, `[batch]` vec2u. Defaults to none. */
  branches?: Binding | undefined;
}

/** Heads and cache of attention. */
export interface AttentionShape {
  /** Query heads, a multiple of `kvHeads`. */
  heads: number;
  /** Key and value heads. */
  kvHeads: number;
  /** Head size, even and at most 256. */
  headDim: number;
  /** Floats from one row of the output to the next. */
  stride: number;
  /** Element type of the cache. */
  kv: KvType;
  /**
   * Keys that a row sees, its own the last of them (sliding window). Defaults to
   * `Infinity`: all that there are.
   */
  window?: number | undefined;
}

/** Options for {@linkcode createAttention}. */
export interface AttentionOptions extends AttentionShape {
  /** Defaults to the first of {@linkcode attentionVariants}. */
  variant?: AttentionVariant | undefined;
}

/** Causal grouped-query attention of a batch whose k and v are in the cache. */
export interface Attention {
  /** Binds the kernel to fixed buffers. */
  bind(buffers: AttentionBuffers): BatchKernel;
}

/** A window that is wider than any context. */
const ALL_KEYS = 2 ** 31;
/** The largest head that the kernels hold in workgroup memory. */
export const MAX_HEAD_DIM = 256;

/**
 * Compiles `y = softmax(q k^T / sqrt(headDim)) v` over the keys of the cache that
 * a row sees. What comes of a row does not depend on the rows beside it, to the
 * bit.
 *
 * @param scope The device and the owner of the parameters.
 * @param options The shape, the cache's type and the variant.
 * @returns The compiled kernel.
 * @throws {RangeError} If the head size is odd or above {@linkcode MAX_HEAD_DIM},
 * or the window no positive integer.
 */
export async function createAttention(
  { gpu, pool }: KernelScope,
  options: AttentionOptions,
): Promise<Attention> {
  const params = pool.uniform(attentionParams(options));
  const { heads, headDim } = options;
  const { variant = attentionVariants(gpu, headDim)[0]! } = options;
  const { rows: blockRows, ...source } = sourceOf(gpu, variant, options);
  const pipeline = await compileKernel(gpu, source);
  const none = createNoBranches(pool);
  return {
    bind({ q, k, v, y, batch, branches = none }) {
      const bindings = [q, k, v, branches, y, params, batch];
      const group = bindBuffers(gpu.device, pipeline, bindings);
      return (pass, rows) => {
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group);
        pass.dispatchWorkgroups(heads, Math.ceil(rows / blockRows));
      };
    },
  };
}

/**
 * The words of `struct Params` in `attention_shared.wgsl`.
 *
 * @throws {RangeError} If the head size is odd or above {@linkcode MAX_HEAD_DIM},
 * or the window no positive integer.
 */
export function attentionParams(
  { heads, kvHeads, headDim, stride, kv, window = Infinity }: AttentionShape,
): number[] {
  if (headDim > MAX_HEAD_DIM || headDim % 2 !== 0) {
    throw new RangeError(
      `Cannot create attention: the head size is ${headDim}, an even number up to ${MAX_HEAD_DIM} is wanted`,
    );
  }
  if (window !== Infinity && !(Number.isInteger(window) && window > 0)) {
    throw new RangeError(
      `Cannot create attention: the window is ${window}, a positive integer is wanted`,
    );
  }
  return [
    heads,
    kvHeads,
    headDim,
    headOctets(headDim),
    headWords(headDim, kv),
    stride,
    floatBits(1 / Math.sqrt(headDim)),
    Math.min(window, ALL_KEYS),
  ];
}

/** A variant's code, and the rows that one of its workgroups works on. */
function sourceOf(
  gpu: Gpu,
  variant: AttentionVariant,
  { headDim, kv }: AttentionShape,
): CompileKernelOptions & { rows: number } {
  const octets = headOctets(headDim);
  const front = [KV_FORMATS[kv].code, sharedCode, batchCode, branchesCode];
  const label = `attention.${variant}.kv_${kv}`;
  switch (variant) {
    case "broadcast": {
      const lanes = gpu.subgroupSize;
      // More rows a lane load less, but take the compiler longer: a second for
      // heads of 128 on llvmpipe.
      const rows = octets <= 8 ? 2 : 1;
      const main = broadcastCode({ lanes, rows, octets });
      return {
        label: `${label}.${octets}`,
        code: [gpu.subgroupPrelude, ...front, main],
        rows: lanes * rows,
      };
    }
    case "tile":
    case "tile_tree": {
      const shape = tileShape(headDim);
      const main = tileCode({ ...shape, octets });
      return {
        label: `${label}.${octets}`,
        code: [...reduceCode(gpu, variant === "tile"), ...front, main],
        rows: tileRows(shape),
      };
    }
    case "keys":
    case "keys_tree":
      return {
        label,
        code: [
          ...combineCode(gpu, variant === "keys"),
          ...front,
          keysBatchCode,
          keysCode,
        ],
        constants: { WORKGROUP_SIZE: workgroupSize(gpu) },
        rows: 1,
      };
  }
}

/** `reduce_sum()` over runs of lanes. */
export function reduceCode(
  { subgroupPrelude }: Gpu,
  subgroups: boolean,
): string[] {
  return subgroups ? [subgroupPrelude, reduceSubgroupCode] : [reduceTreeCode];
}

/** `combine_max()` and `combine_sum()` over a workgroup. */
export function combineCode(
  { subgroupPrelude }: Gpu,
  subgroups: boolean,
): string[] {
  return subgroups ? [subgroupPrelude, combineSubgroupCode] : [combineTreeCode];
}
