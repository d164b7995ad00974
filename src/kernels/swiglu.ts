import {
  bindBuffers,
  type Binding,
  compileKernel,
  grid,
  type KernelScope,
  workgroupSize,
} from "../gpu/kernel.ts";
import type { BatchKernel } from "./batch.ts";
import code from "./swiglu.wgsl" with { type: "text" };

/** Buffers of one {@linkcode Swiglu} dispatch. */
export interface SwigluBuffers {
  /** Gate, then up, `[batch, xStride]` f32. */
  x: Binding;
  /** Output, `[batch, yStride]` f32. */
  y: Binding;
  /** The batch; see `batch.ts`. */
  batch: Binding;
}

/** Options for {@linkcode createSwiglu}. */
export interface SwigluOptions {
  /** Length of the gate, of up, and of a row of the output. */
  dim: number;
  /** Floats from one row of the input to the next. */
  xStride: number;
  /** Floats from one row of the output to the next. */
  yStride: number;
}

/** Gated activation. */
export interface Swiglu {
  /** Binds the kernel to fixed buffers. */
  bind(buffers: SwigluBuffers): BatchKernel;
}

/**
 * Compiles `y = silu(gate) * up`.
 *
 * @param scope The device and the owner of the parameters.
 * @param options The shape.
 * @returns The compiled kernel.
 */
export async function createSwiglu(
  { gpu, pool }: KernelScope,
  { dim, xStride, yStride }: SwigluOptions,
): Promise<Swiglu> {
  const WORKGROUP_SIZE = workgroupSize(gpu);
  const pipeline = await compileKernel(gpu, {
    label: "swiglu",
    code: [code],
    constants: { WORKGROUP_SIZE },
  });
  const params = pool.uniform([dim, xStride, yStride]);
  const limit = gpu.device.limits.maxComputeWorkgroupsPerDimension;
  return {
    bind({ x, y, batch }) {
      const bindings = [x, y, params, batch];
      const group = bindBuffers(gpu.device, pipeline, bindings);
      return (pass, rows) => {
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group);
        pass.dispatchWorkgroups(
          ...grid(Math.ceil(rows * dim / WORKGROUP_SIZE), limit),
        );
      };
    },
  };
}
