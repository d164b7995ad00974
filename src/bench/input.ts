import type { KernelScope } from "../gpu/kernel.ts";
import { batchWords } from "../kernels/batch.ts";
import { strideOf } from "../kernels/matrix.ts";
import { createQuantize } from "../kernels/quantize.ts";
import { BLOCK } from "../kernels/quant/codec.ts";
import { randomFloats } from "../kernels/verify/inputs.ts";
import { fillBuffer } from "./weights.ts";

/** The columns that weights are multiplied with, random ones. */
export interface ProductInput {
  /** How many there are. */
  columns: number;
  /** `[columns, stride]` f32. */
  x: GPUBuffer;
  /** The same as 8-bit whole numbers; see `quantize.ts`. */
  quants: GPUBuffer;
  /** Their scales. */
  scales: GPUBuffer;
  /** The batch, of all columns. */
  batch: GPUBuffer;
  /** The last column, `[cols]`. */
  last: Float32Array;
}

/** Columns that are made in JavaScript, and repeated on the GPU. */
const RANDOM_COLUMNS = 16;

/**
 * Creates the input of a product, in f32 and rounded to 8 bits. Rounding is no
 * part of a product: several products share what is rounded once.
 *
 * @param scope The device, and the owner of the input.
 * @param options Columns, and the length of each.
 * @returns The input.
 */
export async function createInput(
  scope: KernelScope,
  { columns, cols }: { columns: number; cols: number },
): Promise<ProductInput> {
  const { gpu: { device }, pool } = scope;
  const stride = strideOf(cols);
  const made = Math.min(RANDOM_COLUMNS, columns);
  const values = randomFloats(made * stride, 5);
  for (let i = 0; i < made; i++) {
    values.fill(0, i * stride + cols, (i + 1) * stride);
  }
  const buffer = (label: string, size: number) =>
    pool.create({ label: `bench.${label}`, size });
  const source = buffer("columns", values.byteLength);
  const x = buffer("x", 4 * columns * stride);
  const blocks = columns * stride / BLOCK;
  const quants = buffer("quants", BLOCK * blocks);
  const scales = buffer("scales", 16 * blocks);
  const batch = pool.uniform(
    batchWords({ rows: columns, position: 0, first: 0 }),
  );
  const quantize = (await createQuantize(scope, { dim: cols }))
    .bind({ x, quants, scales, batch });
  await pool.check("the input");
  device.queue.writeBuffer(source, 0, values);
  fillBuffer(device, source, x);
  const encoder = device.createCommandEncoder({ label: "quantize" });
  const pass = encoder.beginComputePass();
  quantize(pass, columns);
  pass.end();
  device.queue.submit([encoder.finish()]);
  const start = (columns - 1) % made * stride;
  const last = values.subarray(start, start + cols);
  return { columns, x, quants, scales, batch, last };
}
