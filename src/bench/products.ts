import type { Gpu } from "../gpu/gpu.ts";
import type { BoundKernel, KernelScope } from "../gpu/kernel.ts";
import { MAX_STEPS, type RowKind } from "../kernels/batch.ts";
import type { Activations } from "../kernels/choices.ts";
import { createMatmul } from "../kernels/matmul.ts";
import type { Matrix } from "../kernels/matrix.ts";
import { createMatvec } from "../kernels/matvec.ts";
import type { MatmulVariant, MatvecVariant } from "../kernels/variants.ts";
import {
  type Product as TunedProduct,
  type ProductVariant,
  variantsOf,
} from "../tune/candidates.ts";
import { fastest, type FastestOptions } from "../tune/measure.ts";
import type { ProductInput } from "./input.ts";

/**
 * Which kernels for a product: that which is taken untried, the fastest that
 * tuning finds, or every one.
 */
export type VariantChoice = "first" | "tuned" | "all";

/** One way that the kernels have of computing `y = x w^T`. */
export interface Product {
  /** How the columns are added up. */
  kind: RowKind;
  /** What the kernels call it. */
  variant: string;
  /** What the weights are multiplied with. */
  activations: Activations;
  /**
   * Compiles it for a matrix, and binds it to its input and its output, which is
   * `[columns, rows]` f32.
   */
  create(
    scope: KernelScope,
    w: Matrix,
    buffers: { input: ProductInput; y: GPUBuffer },
  ): Promise<BoundKernel>;
}

/** Options for {@linkcode listProducts}. */
export interface ListProductsOptions {
  /** Columns of the input. */
  columns: number;
  /** Which of the variants. */
  variants: VariantChoice;
  /** Matrices that are alike, for tuning; the first one's format is listed. */
  matrices: readonly Matrix[];
}

/**
 * Lists the ways to compute a product.
 *
 * @param gpu The device.
 * @param options The matrices, columns of the input, and which variants.
 * @returns One or more, each a measurement of its own.
 */
export async function listProducts(
  gpu: Gpu,
  { columns, variants, matrices }: ListProductsOptions,
): Promise<Product[]> {
  const w = matrices[0]!;
  const products: Product[] = [];
  for (const kind of kindsOf(columns)) {
    for (const int8 of w.codec.quantized ? [false, true] : [false]) {
      const product = { w, kind, int8 };
      const all = variantsOf(gpu, product);
      const chosen = variants === "all"
        ? all
        : variants === "first"
        ? all.slice(0, 1)
        : [await tuned(gpu, product, { matrices, from: all })];
      products.push(
        ...chosen.map((variant) =>
          "kind" in variant ? matmul(variant, int8) : matvec(variant, int8)
        ),
      );
    }
  }
  return products;
}

/** One column is a step, as a prompt it is rare; a few of them may be either. */
function kindsOf(columns: number): RowKind[] {
  if (columns === 1) return ["step"];
  return columns <= MAX_STEPS ? ["step", "prompt"] : ["prompt"];
}

async function tuned(
  gpu: Gpu,
  product: TunedProduct,
  options: FastestOptions,
): Promise<ProductVariant> {
  const found = await fastest(gpu, product, options);
  return found?.best ?? options.from[0]!;
}

function matvec(variant: MatvecVariant, int8: boolean): Product {
  return {
    kind: "step",
    variant: variant.name,
    activations: int8 ? "int8" : "f32",
    async create(scope, w, { input, y }) {
      const { batch, columns } = input;
      const options = { variant, int8, steps: columns };
      const kernel = (await createMatvec(scope, w, options))
        .bind({ ...activationsOf(input, int8), y, batch });
      return (pass) => kernel(pass, columns);
    },
  };
}

function matmul(variant: MatmulVariant, int8: boolean): Product {
  return {
    kind: "prompt",
    variant: variant.name,
    activations: int8 ? "int8" : "f32",
    async create(scope, w, { input, y }) {
      const { batch, columns } = input;
      const options = { yStride: w.rows, variant, int8 };
      const kernel = (await createMatmul(scope, w, options))
        .bind({ ...activationsOf(input, int8), y, batch });
      return (pass) => kernel(pass, columns);
    },
  };
}

function activationsOf({ x, quants, scales }: ProductInput, int8: boolean) {
  return int8 ? { x: quants, xScales: scales } : { x };
}
