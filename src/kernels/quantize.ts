import {
  bindBuffers,
  type Binding,
  compileKernel,
  grid,
  type KernelScope,
  workgroupSize,
} from "../gpu/kernel.ts";
import type { BatchKernel } from "./batch.ts";
import { BLOCK } from "./quant/codec.ts";
import { strideOf } from "./matrix.ts";
import code from "./quantize.wgsl" with { type: "text" };

/** Activations as whole numbers of 8 bits, with a scale for each 32. */
export interface Int8Activations {
  /** `[batch, blocks, 2]` vec4u, 32 bytes a block. */
  quants: Binding;
  /** `[batch, blocks]` vec4f, 16 bytes a block. */
  scales: Binding;
}

/** Buffers of one {@linkcode Quantize} dispatch. */
export interface QuantizeBuffers extends Int8Activations {
  /** Input, `[batch, stride]` f32. */
  x: Binding;
  /** The batch; see `batch.ts`. */
  batch: Binding;
}

/** Rounds activations to 8 bits. */
export interface Quantize {
  /** Binds the kernel to fixed buffers. */
  bind(buffers: QuantizeBuffers): BatchKernel;
}

/**
 * Compiles `x[i] = scale * q[i]`, the way into products of whole numbers.
 *
 * @param scope The device and the owner of the parameters.
 * @param options The length of a row.
 * @returns The compiled kernel.
 */
export async function createQuantize(
  { gpu, pool }: KernelScope,
  { dim }: { dim: number },
): Promise<Quantize> {
  const WORKGROUP_SIZE = workgroupSize(gpu);
  const pipeline = await compileKernel(gpu, {
    label: "quantize",
    code: [code],
    constants: { WORKGROUP_SIZE },
  });
  const blocks = strideOf(dim) / BLOCK;
  const params = pool.uniform([blocks]);
  const limit = gpu.device.limits.maxComputeWorkgroupsPerDimension;
  return {
    bind({ x, quants, scales, batch }) {
      const bindings = [x, quants, scales, params, batch];
      const group = bindBuffers(gpu.device, pipeline, bindings);
      return (pass, rows) => {
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group);
        const groups = Math.ceil(rows * blocks / WORKGROUP_SIZE);
        pass.dispatchWorkgroups(...grid(groups, limit));
      };
    },
  };
}
