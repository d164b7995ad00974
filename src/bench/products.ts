import type { Gpu } from "../gpu/gpu.ts";
import type { BoundKernel, KernelScope } from "../gpu/kernel.ts";
import { createMatmul } from "../kernels/matmul.ts";
import type { Matrix } from "../kernels/matrix.ts";
import { createMatvec } from "../kernels/matvec.ts";
import {
  type MatmulVariant,
  matmulVariants,
  type MatvecVariant,
  matvecVariants,
} from "../kernels/variants.ts";
import type { ProductInput } from "./input.ts";

/** What a kernel multiplies the weights with. */
export type Activations = "f32" | "int8";

/** Which kernels for a product: that which is taken untried, or every one. */
export type VariantChoice = "first" | "all";

/** One way that the kernels have of computing `y = x w^T`. */
export interface Product {
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

/**
 * Lists the ways to compute a product.
 *
 * @param gpu The device.
 * @param w The matrix; only its shape and format matter.
 * @param options Columns of the input, and which variants.
 * @returns One or more, each a measurement of its own.
 */
export function listProducts(
  gpu: Gpu,
  w: Pick<Matrix, "blocks" | "codec">,
  { columns, variants }: { columns: number; variants: VariantChoice },
): Product[] {
  const paths = w.codec.quantized ? [false, true] : [false];
  return paths.flatMap((int8) => {
    const products = columns === 1
      ? matvecVariants(gpu, w).map((variant) => matvec(variant, int8))
      : matmulVariants(gpu, w, { batch: columns, int8 })
        .map((variant) => matmul(variant, int8));
    return variants === "all" ? products : products.slice(0, 1);
  });
}

function matvec(variant: MatvecVariant, int8: boolean): Product {
  return {
    variant: variant.name,
    activations: int8 ? "int8" : "f32",
    async create(scope, w, { input, y }) {
      const kernel = (await createMatvec(scope, w, { variant, int8 }))
        .bind({ ...activationsOf(input, int8), y });
      return (pass) => kernel(pass, 1);
    },
  };
}

function matmul(
  variant: MatmulVariant,
  int8: boolean,
): Product {
  return {
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
