import { BufferPool } from "../gpu/buffers.ts";
import type { Gpu } from "../gpu/gpu.ts";
import { createReadback } from "../gpu/readback.ts";
import { type BatchKernel, batchWords } from "../kernels/batch.ts";
import { createMatmul } from "../kernels/matmul.ts";
import { type Matrix, strideOf } from "../kernels/matrix.ts";
import { createMatvec } from "../kernels/matvec.ts";
import { SMALL_BATCH } from "../kernels/variants.ts";
import type { Product, ProductVariant } from "./candidates.ts";

/** Measures variants of one product after the other. */
export interface ProductTimer {
  /** Milliseconds of one product, over matrices that are alike. */
  time(
    product: Product,
    matrices: readonly Matrix[],
    variant: ProductVariant,
  ): Promise<number>;
  /** Frees the buffers. */
  [Symbol.dispose](): void;
}

/** Rows of input that stand for a small batch and a large one. */
const ROWS = { one: 1, small: SMALL_BATCH / 2, large: 128 } as const;
/** Matrices that follow each other, so that caches stay cold. */
const MOST_MATRICES = 8;
/** A submit takes at least so long, in ms, if that is few dispatches. */
const LEAST_MS = 1;
const MOST_DISPATCHES = 64;
const REPETITIONS = 3;

/**
 * Creates the buffers that products are measured with.
 *
 * @param gpu The device.
 * @param shape The largest product.
 * @returns The timer; dispose of it behind the last measurement.
 */
export function createTimer(
  gpu: Gpu,
  { rows, cols }: { rows: number; cols: number },
): ProductTimer {
  const { device } = gpu;
  const pool = new BufferPool(device);
  const stride = strideOf(cols);
  const floats = (label: string, length: number) =>
    pool.create({ label: `tune.${label}`, size: 4 * length });
  const x = floats("x", ROWS.large * stride);
  const xScales = floats("x_scales", ROWS.large * stride / 8);
  const y = floats("y", ROWS.large * rows);
  const readback = createReadback(device, { size: 4, sync: gpu.syncReadback });

  const run = async (kernels: readonly BatchKernel[], rows: number) => {
    const encoder = device.createCommandEncoder({ label: "tune" });
    const pass = encoder.beginComputePass();
    for (const kernel of kernels) kernel(pass, rows);
    pass.end();
    encoder.copyBufferToBuffer(y, 0, readback.buffer, 0, 4);
    const commands = encoder.finish();
    const start = performance.now();
    device.queue.submit([commands]);
    await readback.read(4);
    return performance.now() - start;
  };

  return {
    async time({ batch, int8 }, matrices, variant) {
      using parameters = new BufferPool(device);
      const scope = { gpu, pool: parameters };
      const rows = ROWS[batch];
      const words = batchWords({ rows, position: 0, first: 0 });
      const buffers = {
        x,
        y,
        ...(int8 && { xScales }),
        batch: parameters.uniform(words),
      };
      const kernels: BatchKernel[] = [];
      for (const w of matrices.slice(0, MOST_MATRICES)) {
        const kernel = "kind" in variant
          ? await createMatmul(scope, w, {
            yStride: w.rows,
            int8,
            variant,
            maxBatch: rows,
          })
          : await createMatvec(scope, w, { int8, variant });
        kernels.push(kernel.bind(buffers));
      }
      await parameters.check("tuning");
      const once = await warmUp(() => run(kernels, rows));
      const most = Math.max(1, MOST_DISPATCHES / kernels.length);
      const rounds = Math.min(most, Math.ceil(LEAST_MS / once));
      const list = Array.from({ length: rounds }, () => kernels).flat();
      const times: number[] = [];
      for (let i = 0; i < REPETITIONS; i++) times.push(await run(list, rows));
      // The least, as nothing but other work on the machine adds to it.
      return Math.min(...times) / list.length;
    },
    [Symbol.dispose]() {
      pool[Symbol.dispose]();
      readback.buffer.destroy();
    },
  };
}

/** The first run compiles; the second one counts. */
async function warmUp(run: () => Promise<number>): Promise<number> {
  await run();
  return await run();
}
