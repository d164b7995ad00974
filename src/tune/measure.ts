import type { Gpu } from "../gpu/gpu.ts";
import type { Matrix } from "../kernels/matrix.ts";
import { type Product, type ProductVariant, search } from "./candidates.ts";
import { createTimer, type ProductTimer } from "./time.ts";

/** Options for {@linkcode fastest}. */
export interface FastestOptions {
  /** Matrices that are alike: they take turns, so that caches stay cold. */
  matrices: readonly Matrix[];
  /** Variants to choose from, the one that is taken untried first. */
  from: readonly ProductVariant[];
  /** What to measure with. Defaults to a timer of its own. */
  timer?: ProductTimer;
}

/**
 * Measures which variant of a product is the fastest on a device.
 *
 * @param gpu The device.
 * @param product The product.
 * @param options What to choose from, and what to measure with.
 * @returns The fastest, and the milliseconds of each that was tried; a variant
 * that cannot be run takes forever.
 */
export async function fastest(
  gpu: Gpu,
  product: Product,
  { matrices, from, timer }: FastestOptions,
): Promise<{ best: ProductVariant; times: Map<ProductVariant, number> }> {
  using own = timer === undefined ? createTimer(gpu, product.w) : undefined;
  const clock = timer ?? own!;
  return await search(from, async (variant) => {
    try {
      return await clock.time(product, matrices, variant);
    } catch {
      return Infinity;
    }
  });
}
