import { grid, type KernelScope } from "../gpu/kernel.ts";
import type { BatchKernel } from "./batch.ts";
import {
  createMatmulPlan,
  type MatmulBuffers,
  type MatmulOptions,
} from "./matmul_plans.ts";
import { bindWeights, type Matrix } from "./matrix.ts";

export type { MatmulBuffers, MatmulOptions };

/** Matrix-matrix product. */
export interface Matmul {
  /** Binds the kernel to fixed buffers. */
  bind(buffers: MatmulBuffers): BatchKernel;
}

/**
 * Compiles `y = x w^T`, or `y += x w^T`.
 *
 * @param scope The device and the owner of the parameters.
 * @param w The weights, `[rows, cols]`.
 * @param options Where and how the product is written.
 * @returns The compiled kernel.
 */
export async function createMatmul(
  scope: KernelScope,
  w: Matrix,
  options: MatmulOptions,
): Promise<Matmul> {
  const { gpu, pool } = scope;
  const { yStride, offset = 0 } = options;
  const plan = await createMatmulPlan(scope, w, options);
  const limit = gpu.device.limits.maxComputeWorkgroupsPerDimension;
  return {
    bind(buffers) {
      const dispatches = w.parts.map((part) => {
        const words = [part.rows, w.blocks, offset + part.firstRow, yStride];
        const own = plan.bindings(buffers, pool.uniform(words));
        const weights = { codec: w.codec, part };
        return {
          group: bindWeights(gpu, plan.pipeline, weights, own),
          grid: grid(Math.ceil(part.rows / plan.rows), limit),
        };
      });
      return (pass, rows) => {
        pass.setPipeline(plan.pipeline);
        for (const { group, grid: [x, y] } of dispatches) {
          pass.setBindGroup(0, group);
          pass.dispatchWorkgroups(x, y, Math.ceil(rows / plan.batchRows));
        }
      };
    },
  };
}
