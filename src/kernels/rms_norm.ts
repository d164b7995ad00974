import { floatBits } from "../gpu/buffers.ts";
import {
  bindBuffers,
  type Binding,
  compileKernel,
  type KernelScope,
  workgroupSize,
} from "../gpu/kernel.ts";
import type { BatchKernel } from "./batch.ts";
import { strideOf } from "./matrix.ts";
import code from "./rms_norm.wgsl" with { type: "text" };

/** Buffers of one {@linkcode RmsNorm} dispatch. */
export interface RmsNormBuffers {
  /** Input, `[batch, stride]` f32. */
  x: Binding;
  /** Scale, `[stride]` f32, zero from `dim` on. */
  weight: Binding;
  /** Output, `[batch, stride]` f32. */
  y: Binding;
  /** The batch; see `batch.ts`. */
  batch: Binding;
}

/** Options for {@linkcode createRmsNorm}. */
export interface RmsNormOptions {
  /** Row length. */
  dim: number;
  /** Added to the mean square. */
  eps: number;
}

/** Row-wise root-mean-square normalization. */
export interface RmsNorm {
  /** Binds the kernel to fixed buffers. */
  bind(buffers: RmsNormBuffers): BatchKernel;
}

/**
 * Compiles `y = x * weight / sqrt(mean(x^2) + eps)`.
 *
 * @param scope The device and the owner of the parameters.
 * @param options The shape and the epsilon.
 * @returns The compiled kernel.
 */
export async function createRmsNorm(
  { gpu, pool }: KernelScope,
  { dim, eps }: RmsNormOptions,
): Promise<RmsNorm> {
  const pipeline = await compileKernel(gpu, {
    label: "rms_norm",
    code: [code],
    constants: { WORKGROUP_SIZE: workgroupSize(gpu) },
  });
  const params = pool.uniform([
    strideOf(dim) / 4, // Params.quads
    floatBits(dim),
    floatBits(eps),
  ]);
  return {
    bind({ x, weight, y, batch }) {
      const bindings = [x, weight, y, params, batch];
      const group = bindBuffers(gpu.device, pipeline, bindings);
      return (pass, rows) => {
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group);
        pass.dispatchWorkgroups(rows);
      };
    },
  };
}
