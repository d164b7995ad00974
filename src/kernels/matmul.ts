import { grid, type KernelScope } from "../gpu/kernel.ts";
import type { BatchKernel } from "./batch.ts";
import {
  createMatmulPlan,
  type MatmulBuffers,
  type MatmulOptions,
} from "./matmul_plans.ts";
import { bindWeights, type Matrix, type MatrixPart } from "./matrix.ts";

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
      const dispatches = w.parts.map((part) => bindPart(part, buffers));
      return (pass, rows) => {
        const pipeline = plan.pipeline(rows);
        pass.setPipeline(pipeline);
        for (const { part, groups } of dispatches) {
          pass.setBindGroup(0, groups.get(pipeline)!);
          const [x, y] = grid(Math.ceil(part.rows / plan.rows), limit);
          pass.dispatchWorkgroups(x, y, Math.ceil(rows / plan.batchRows(rows)));
        }
      };
    },
  };

  function bindPart(part: MatrixPart, buffers: MatmulBuffers) {
    const words = [part.rows, w.blocks, offset + part.firstRow, yStride];
    const own = plan.bindings(buffers, pool.uniform(words));
    const weights = { codec: w.codec, part };
    const groups = new Map(
      plan.pipelines.map((pipeline) =>
        [pipeline, bindWeights(gpu, pipeline, weights, own)] as const
      ),
    );
    return { part, groups };
  }
}
