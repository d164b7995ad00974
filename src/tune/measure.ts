import { GpuMemoryError } from "../gpu/buffers.ts";
import type { Gpu } from "../gpu/gpu.ts";
import type { Matrix } from "../kernels/matrix.ts";
import { nextTurn } from "../gpu/next_turn.ts";
import type { Tuning } from "./cache.ts";
import {
  type Product,
  type ProductVariant,
  search,
  variantsOf,
} from "./candidates.ts";
import { createTimer, type ProductTimer } from "./time.ts";

/** Options for {@linkcode fastest}. */
export interface FastestOptions {
  /** Matrices that are alike: they take turns, so that caches stay cold. */
  matrices: readonly Matrix[];
  /** Variants to choose from, the one that is taken untried first. */
  from: readonly ProductVariant[];
  /** What to measure with. Defaults to a timer of its own. */
  timer?: ProductTimer;
  /** When to give up, by `performance.now()`. Defaults to never. */
  end?: number;
  /** Stops measuring. */
  signal?: AbortSignal | undefined;
}

/** What {@linkcode fastest} found. */
export interface Fastest {
  /** The fastest. */
  best: ProductVariant;
  /** Milliseconds of each that was tried: forever, where it cannot be run. */
  times: Map<ProductVariant, number>;
}

/**
 * Measures which variant of a product is the fastest on a device.
 *
 * @param gpu The device.
 * @param product The product.
 * @param options What to choose from, and what to measure with.
 * @returns The fastest; `undefined` where the time was up before it was found.
 * @throws {Error} If the device is lost, or `signal` aborts.
 */
export async function fastest(
  gpu: Gpu,
  product: Product,
  options: FastestOptions,
): Promise<Fastest | undefined> {
  const { matrices, from, timer, end = Infinity, signal } = options;
  using own = timer === undefined
    ? await createTimer(gpu, product.w)
    : undefined;
  const clock = timer ?? own!;
  try {
    return await search(from, async (variant) => {
      // The thread is held while the GPU works: an abort may be waiting.
      await nextTurn();
      signal?.throwIfAborted();
      if (performance.now() >= end) throw TIME_IS_UP;
      try {
        return await clock.time(product, matrices, variant);
      } catch (cause) {
        const { problem } = gpu.health;
        if (problem === undefined) return Infinity;
        throw new Error(`Cannot go on measuring: ${problem}`, { cause });
      }
    });
  } catch (error) {
    if (error === TIME_IS_UP) return undefined;
    throw error;
  }
}

const TIME_IS_UP = new Error("the time for measuring is up");

/**
 * Measures products one after the other.
 *
 * @param gpu The device.
 * @param products The products by key, each with all that are alike.
 * @param options When to end: what is not measured by then is left out, as is
 * everything where there is no room for measuring.
 * @returns What was found.
 * @throws {Error} If the device is lost, or `signal` aborts.
 */
export async function measureProducts(
  gpu: Gpu,
  products: ReadonlyMap<string, readonly Product[]>,
  options: Pick<FastestOptions, "end" | "signal">,
): Promise<Tuning> {
  const tuning: Tuning = new Map();
  if (products.size === 0) return tuning;
  const shapes = [...products.values()].map(([product]) => product!.w);
  using timer = await timerFor(gpu, {
    rows: Math.max(...shapes.map(({ rows }) => rows)),
    cols: Math.max(...shapes.map(({ cols }) => cols)),
  });
  if (timer === undefined) return tuning;
  for (const [key, alike] of products) {
    const from = variantsOf(gpu, alike[0]!);
    const matrices = alike.map(({ w }) => w);
    const found = await fastest(gpu, alike[0]!, {
      ...options,
      matrices,
      from,
      timer,
    });
    if (found === undefined) break;
    const { best, times } = found;
    const ms = times.get(best)!;
    // Where nothing can be run, there is nothing to keep.
    if (ms === Infinity) continue;
    const untriedMs = Math.min(times.get(from[0]!)!, Number.MAX_VALUE);
    tuning.set(key, { variant: best.name, ms, untriedMs });
  }
  return tuning;
}

/** A timer, unless the weights have left no room for one. */
async function timerFor(
  gpu: Gpu,
  shape: { rows: number; cols: number },
): Promise<ProductTimer | undefined> {
  try {
    return await createTimer(gpu, shape);
  } catch (error) {
    if (error instanceof GpuMemoryError) return undefined;
    throw error;
  }
}
