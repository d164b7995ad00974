import type { Gpu } from "../gpu/gpu.ts";
import type { BoundKernel } from "../gpu/kernel.ts";
import { createReadback } from "../gpu/readback.ts";
import type { Matrix } from "../kernels/matrix.ts";
import { RANDOM_ROWS } from "./weights.ts";

/** A product that was bound, and what is to come of it. */
export interface CheckedProduct {
  /** The matrix, which repeats rows. */
  matrix: Matrix;
  /** The output that the kernel is bound to. */
  y: GPUBuffer;
  /** Where the column that is compared begins in it, in bytes. */
  offset: number;
  /** That column for the {@linkcode RANDOM_ROWS} rows of random weights. */
  expected: ArrayLike<number>;
}

/**
 * Runs a product and compares a whole column of it, poisoned before.
 *
 * @param gpu The device.
 * @param kernel The product.
 * @param product What it is to write, and where.
 * @returns The normalised mean squared error, NaN where nothing was written.
 */
export async function findError(
  gpu: Gpu,
  kernel: BoundKernel,
  { y, offset, matrix, expected }: CheckedProduct,
): Promise<number> {
  const { device, syncReadback: sync } = gpu;
  const size = 4 * matrix.rows;
  const readback = createReadback(device, { size, sync });
  try {
    const poison = new Float32Array(matrix.rows).fill(NaN);
    device.queue.writeBuffer(y, offset, poison);
    const encoder = device.createCommandEncoder({ label: "check" });
    const pass = encoder.beginComputePass();
    kernel(pass);
    pass.end();
    encoder.copyBufferToBuffer(y, offset, readback.buffer, 0, size);
    device.queue.submit([encoder.finish()]);
    const actual = new Float32Array(await readback.read(size));
    let error = 0;
    let power = 0;
    for (const { firstRow, rows } of matrix.parts) {
      for (let row = 0; row < rows; row++) {
        const value = expected[row % RANDOM_ROWS]!;
        error += (actual[firstRow + row]! - value) ** 2;
        power += value ** 2;
      }
    }
    return error / power;
  } finally {
    readback.buffer.destroy();
  }
}
