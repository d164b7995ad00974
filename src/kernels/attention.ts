import { floatBits } from "../gpu/buffers.ts";
import {
  bindBuffers,
  type Binding,
  compileKernel,
  type KernelScope,
  workgroupSize,
} from "../gpu/kernel.ts";
import code from "./attention.wgsl" with { type: "text" };
import type { BatchKernel } from "./batch.ts";
import { headQuads, KV_FORMATS, type KvType } from "./kv_cache.ts";

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

/** Causal grouped-query attention. */
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
  { gpu, pool }: KernelScope,
  { heads, kvHeads, headDim, stride, kv }: AttentionOptions,
): Promise<Attention> {
  if (headDim > MAX_HEAD_DIM || headDim % 2 !== 0) {
    throw new RangeError(
      `Cannot create attention: the head size is ${headDim}, an even number up to ${MAX_HEAD_DIM} is wanted`,
    );
  }
  const pipeline = await compileKernel(gpu, {
    label: `attention.kv_${kv}`,
    code: [KV_FORMATS[kv].code, code],
    constants: { WORKGROUP_SIZE: workgroupSize(gpu) },
  });
  const params = pool.uniform([
    heads,
    kvHeads,
    headDim,
    headQuads(headDim),
    stride,
    floatBits(1 / Math.sqrt(headDim)),
  ]);
  return {
    bind({ q, k, v, y, batch }) {
      const bindings = [q, k, v, y, params, batch];
      const group = bindBuffers(gpu.device, pipeline, bindings);
      return (pass, rows) => {
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group);
        pass.dispatchWorkgroups(heads, rows);
      };
    },
  };
}
