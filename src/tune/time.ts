import { BufferPool } from "../gpu/buffers.ts";
import type { Gpu } from "../gpu/gpu.ts";
import type { KernelScope } from "../gpu/kernel.ts";
import { createReadback } from "../gpu/readback.ts";
import { type BatchKernel, batchWords } from "../kernels/batch.ts";
import { createMatmul } from "../kernels/matmul.ts";
import { type Matrix, strideOf } from "../kernels/matrix.ts";
import { createMatvec } from "../kernels/matvec.ts";
import type { Product, ProductVariant } from "./candidates.ts";

/** Measures variants of one product after the other. */
export interface ProductTimer extends Disposable {
  /**
   * Milliseconds of one product, over matrices that are alike.
   *
   * @throws {Error} If the variant cannot be compiled or run.
   */
  time(
    product: Product,
    matrices: readonly Matrix[],
    variant: ProductVariant,
  ): Promise<number>;
}

/** Rows of input that stand for a prompt. */
const PROMPT = { software: 32, hardware: 128 } as const;
/** Matrices that follow each other, so that caches stay cold. */
const MOST_MATRICES = 8;
/** A submit takes at least so long, in ms, if that is few dispatches. */
const LEAST_MS = 2;
const MOST_DISPATCHES = 512;
const REPETITIONS = 3;
/** What takes longer than this, in ms, is measured once. */
const LONG_MS = 100;

/**
 * Creates the buffers that products are measured with.
 *
 * @param gpu The device.
 * @param shape The largest product.
 * @returns The timer; dispose of it behind the last measurement.
 * @throws {GpuMemoryError} If there is no room for the buffers.
 */
export async function createTimer(
  gpu: Gpu,
  { rows, cols }: { rows: number; cols: number },
): Promise<ProductTimer> {
  const { device } = gpu;
  const { maxBufferSize, maxStorageBufferBindingSize } = device.limits;
  const limit = Math.min(maxBufferSize, maxStorageBufferBindingSize);
  const stride = strideOf(cols);
  const fitting = Math.floor(limit / (4 * Math.max(rows, stride)));
  const kind = gpu.info.isFallbackAdapter ? "software" : "hardware";
  const prompt = Math.max(1, Math.min(PROMPT[kind], fitting));
  const batches = { step: 1, prompt };

  const pool = new BufferPool(device);
  const floats = (label: string, length: number) =>
    pool.create({ label: `tune.${label}`, size: 4 * length });
  const x = floats("x", prompt * stride);
  const xScales = floats("x_scales", prompt * stride / 8);
  const y = floats("y", prompt * rows);
  await pool.check("the buffers of tuning"); // frees them where it throws
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
  const measure = async (kernels: readonly BatchKernel[], rows: number) => {
    const first = await run(kernels, rows); // it compiles, too
    if (first > LONG_MS * kernels.length) return first / kernels.length;
    const once = await run(kernels, rows);
    const most = Math.max(1, MOST_DISPATCHES / kernels.length);
    const rounds = Math.min(most, Math.ceil(LEAST_MS / once));
    const list = Array.from({ length: rounds }, () => kernels).flat();
    const times: number[] = [];
    for (let i = 0; i < REPETITIONS; i++) times.push(await run(list, rows));
    // The least, as nothing but other work on the machine adds to it.
    return Math.min(...times) / list.length;
  };

  return {
    async time({ kind, int8 }, matrices, variant) {
      using parameters = new BufferPool(device);
      const rows = batches[kind];
      const words = batchWords({ rows, position: 0, first: 0 });
      const buffers = {
        x,
        y,
        ...(int8 && { xScales }),
        batch: parameters.uniform(words),
      };
      const scope = { gpu, pool: parameters };
      const kernels: BatchKernel[] = [];
      for (const w of matrices.slice(0, MOST_MATRICES)) {
        const kernel = await create(scope, w, { variant, int8 });
        kernels.push(kernel.bind(buffers));
      }
      await parameters.check("tuning");
      // What is refused takes no time at all.
      device.pushErrorScope("validation");
      const ms = await measure(kernels, rows);
      const error = await device.popErrorScope();
      if (error !== null) {
        throw new Error(`Cannot run ${variant.name}: ${error.message}`);
      }
      return ms;
    },
    [Symbol.dispose]() {
      pool[Symbol.dispose]();
      readback.buffer.destroy();
    },
  };
}

function create(
  scope: KernelScope,
  w: Matrix,
  { variant, int8 }: { variant: ProductVariant; int8: boolean },
) {
  if (!("kind" in variant)) return createMatvec(scope, w, { int8, variant });
  return createMatmul(scope, w, { yStride: w.rows, int8, variant });
}
