import type { Gpu } from "../gpu/gpu.ts";
import type { ProductInput } from "../kernels/choices.ts";
import type { Matrix } from "../kernels/matrix.ts";
import {
  type MatmulVariant,
  matmulVariants,
  type MatvecVariant,
  matvecVariants,
} from "../kernels/variants.ts";

/** A way to run a product, of rows of the one kind or the other. */
export type ProductVariant = MatvecVariant | MatmulVariant;

/** A product as far as its speed depends on it. */
export interface Product extends ProductInput {
  /** The matrix, or one of several alike. */
  readonly w: Matrix;
}

/** What a product is called in tuning files: format, shape and input. */
export function productKey({ w, kind, int8 }: Product): string {
  const { codec, rows, cols } = w;
  return `${codec.name} ${rows}x${cols} ${kind} ${int8 ? "int8" : "f32"}`;
}

/**
 * The products of a model by key, each with all matrices that are alike.
 *
 * @param matrices The weights.
 * @param options Whether weights of whole numbers meet int8.
 * @returns The products: of steps, and of prompts.
 */
export function productsOf(
  matrices: readonly Matrix[],
  { int8 }: { int8: boolean },
): Map<string, Product[]> {
  // Where a stack holds other weights too, it stays with f32 as a whole.
  const whole = matrices.every(({ codec }) => codec.quantized);
  const inputs = (w: Matrix) => {
    if (!int8 || !w.codec.quantized) return [false];
    return whole ? [true] : [true, false];
  };
  const products = new Map<string, Product[]>();
  for (const kind of ["step", "prompt"] as const) {
    for (const w of new Set(matrices)) {
      for (const int8 of inputs(w)) {
        const product = { w, kind, int8 };
        const key = productKey(product);
        const alike = products.get(key) ?? [];
        products.set(key, alike);
        alike.push(product);
      }
    }
  }
  return products;
}

/** Every variant that the device has for a product, the untried choice first. */
export function variantsOf(gpu: Gpu, product: Product): ProductVariant[] {
  const { w, kind } = product;
  return kind === "step"
    ? matvecVariants(gpu, w, product)
    : matmulVariants(gpu, product);
}

/**
 * Finds a fast variant without trying them all: of a matrix-vector product's
 * three dimensions one after the other is moved along.
 *
 * @param variants All variants, the first one is where the search starts.
 * @param time Measures a variant, in any unit.
 * @returns The fastest that was met, and what each that was tried took.
 */
export async function search<T extends ProductVariant>(
  variants: readonly T[],
  time: (variant: T) => Promise<number>,
): Promise<{ best: T; times: Map<T, number> }> {
  const times = new Map<T, number>();
  let best = variants[0]!;
  const meet = async (candidates: readonly T[]) => {
    for (const variant of candidates) {
      if (times.has(variant)) continue;
      times.set(variant, await time(variant));
      // A tie stays with what is taken untried.
      if (times.get(variant)! < 0.97 * times.get(best)!) best = variant;
    }
  };
  await meet([best]);
  for (const axes of AXES) {
    await meet(variants.filter((variant) => differ(variant, best, axes)));
  }
  return { best, times };
}

/** The dimensions that are moved along, in this order. */
const AXES = ["rows", "workgroup", "unroll"] as const;

/** Whether variants are equal but for one dimension, or have none. */
function differ(
  a: ProductVariant,
  b: ProductVariant,
  axis: typeof AXES[number],
): boolean {
  if ("kind" in a || "kind" in b) return true;
  if (a.broadcast !== b.broadcast) return axis === "rows";
  return AXES.every((other) => other === axis || a[other] === b[other]);
}
