import type { KernelScope } from "../src/gpu/kernel.ts";
import { strideOf } from "../src/kernels/matrix.ts";
import { createQuantize } from "../src/kernels/quantize.ts";
import { poisoned, run, upload } from "./gpu.ts";
import { batchOf, padRows } from "./kernels.ts";

/**
 * NMSE of products of int8: where a number lies between two, the reference may
 * have rounded it to the other one.
 */
export const INT8_ROUNDING = 2e-6;

/** Activations on the GPU, as a product takes them. */
export interface ProductInput {
  /** `[batch, stride]` f32, or int8. */
  x: GPUBuffer;
  /** Scales of the int8. */
  xScales?: GPUBuffer;
}

/** Uploads `[batch, cols]` activations, rounded to int8 where that is asked. */
export async function productInput(
  scope: KernelScope,
  values: Float32Array,
  { cols, int8 = false }: { cols: number; int8?: boolean | undefined },
): Promise<ProductInput> {
  const stride = strideOf(cols);
  const padded = padRows(values, { cols, stride });
  const x = upload(scope.gpu, padded);
  if (!int8) return { x };
  const rows = values.length / cols;
  const quants = poisoned(scope.gpu, padded.length / 4);
  const scales = poisoned(scope.gpu, padded.length / 8);
  const quantize = (await createQuantize(scope, { dim: cols }))
    .bind({ x, quants, scales, batch: batchOf(scope, { rows }) });
  run(scope.gpu, (pass) => quantize(pass, rows));
  return { x: quants, xScales: scales };
}
