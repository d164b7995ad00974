import { floatBits } from "../gpu/buffers.ts";
import {
  bindBuffers,
  type Binding,
  compileKernel,
  type KernelScope,
  workgroupSize,
} from "../gpu/kernel.ts";
import code from "./attention.wgsl" with { type: "text" };
import batchCode from "./attention_batch.wgsl" with { type: "text" };
import stepCode from "./attention_step.wgsl" with { type: "text" };
import type { BatchKernel } from "./batch.ts";
import subgroupCode from "./combine_subgroup.wgsl" with { type: "text" };
import treeCode from "./combine_tree.wgsl" with { type: "text" };
import { headQuads, KV_FORMATS, type KvType } from "./kv_cache.ts";
import rotateCode from "./rotate.wgsl" with { type: "text" };

/** Buffers of one {@linkcode AttentionStep} dispatch. */
export interface AttentionStepBuffers {
  /** Heads of q, of k, of v of one row, f32. */
  qkv: Binding;
  /** From `ropeTable()`. */
  table: Binding;
  /** Cache of k, `[context, kvHeads, quads]`; this row's is appended. */
  k: Binding;
  /** Cache of v, `[context, kvHeads, quads]`; this row's is appended. */
  v: Binding;
  /** Output, `[stride]` f32. */
  y: Binding;
  /** The batch, of one row; see `batch.ts`. */
  batch: Binding;
}

/** Buffers of one {@linkcode Attention} dispatch. */
export interface AttentionBuffers {
  /** Rotated queries, `[batch, heads, quads]` vec4f. */
  q: Binding;
  /** Cache of k, `[context, kvHeads, quads]`. */
  k: Binding;
  /** Cache of v, `[context, kvHeads, quads]`. */
  v: Binding;
  /** Output, `[batch, stride]` f32. */
  y: Binding;
  /** The batch; see `batch.ts`. */
  batch: Binding;
}

/** Options for {@linkcode createAttention}. */
export interface AttentionOptions {
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
}

/** Rotary embedding, KV write and attention of one row. */
export interface AttentionStep {
  /** Binds the kernel to fixed buffers. */
  bind(buffers: AttentionStepBuffers): BatchKernel;
}

/** Causal grouped-query attention of a batch whose k and v are in the cache. */
export interface Attention {
  /** Binds the kernel to fixed buffers. */
  bind(buffers: AttentionBuffers): BatchKernel;
}

/** The largest head that the kernel holds in workgroup memory. */
export const MAX_HEAD_DIM = 256;

/**
 * Compiles `y = softmax(q k^T / sqrt(headDim)) v` over the cache.
 *
 * @param scope The device and the owner of the parameters.
 * @param options The shape and the cache's type.
 * @returns The compiled kernel.
 */
export async function createAttention(
  scope: KernelScope,
  options: AttentionOptions,
): Promise<Attention> {
  const { device } = scope.gpu;
  const { pipeline, params } = await compile(scope, options, {
    label: "attention",
    code: [batchCode],
  });
  return {
    bind({ q, k, v, y, batch }) {
      const bindings = [q, k, v, undefined, y, params, batch];
      const group = bindBuffers(device, pipeline, bindings);
      return (pass, rows) => {
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group);
        pass.dispatchWorkgroups(options.heads, rows);
      };
    },
  };
}

/**
 * Compiles rotary embedding, KV write and attention of one row as one kernel:
 * what `createRope()` and {@linkcode createAttention} do for a batch.
 *
 * @param scope The device and the owner of the parameters.
 * @param options The shape and the cache's type.
 * @returns The compiled kernel.
 */
export async function createAttentionStep(
  scope: KernelScope,
  options: AttentionOptions,
): Promise<AttentionStep> {
  const { device } = scope.gpu;
  const { pipeline, params } = await compile(scope, options, {
    label: "attention_step",
    code: [rotateCode, stepCode],
  });
  return {
    bind({ qkv, table, k, v, y, batch }) {
      const bindings = [qkv, table, k, v, y, params, batch];
      const group = bindBuffers(device, pipeline, bindings);
      return (pass) => {
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group);
        pass.dispatchWorkgroups(options.heads);
      };
    },
  };
}

async function compile(
  { gpu, pool }: KernelScope,
  { heads, kvHeads, headDim, stride, kv }: AttentionOptions,
  front: { label: string; code: string[] },
) {
  if (headDim > MAX_HEAD_DIM || headDim % 2 !== 0) {
    throw new RangeError(
      `Cannot create attention: the head size is ${headDim}, an even number up to ${MAX_HEAD_DIM} is wanted`,
    );
  }
  const WORKGROUP_SIZE = workgroupSize(gpu);
  const combine = gpu.subgroupSize === WORKGROUP_SIZE
    ? { label: "subgroup", code: gpu.subgroupPrelude + subgroupCode }
    : { label: "tree", code: treeCode };
  const pipeline = await compileKernel(gpu, {
    label: `${front.label}.kv_${kv}.${combine.label}`,
    code: [combine.code, KV_FORMATS[kv].code, ...front.code, code],
    constants: { WORKGROUP_SIZE },
  });
  const params = pool.uniform([
    heads,
    kvHeads,
    headDim,
    headQuads(headDim),
    stride,
    floatBits(1 / Math.sqrt(headDim)),
  ]);
  return { pipeline, params };
}
