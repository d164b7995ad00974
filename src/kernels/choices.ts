import type { Gpu } from "../gpu/gpu.ts";
import type { Matrix } from "./matrix.ts";
import {
  type MatmulVariant,
  matmulVariants,
  type MatvecVariant,
  matvecVariants,
  SMALL_BATCH,
} from "./variants.ts";

/** What weights are multiplied with. */
export type Activations = "f32" | "int8";

/** Every {@linkcode Activations}. */
export const ACTIVATIONS: readonly Activations[] = ["f32", "int8"];

/** What a product's input is: how many rows, and of what. */
export interface ProductInput {
  /** Rows of the input: one, at most {@linkcode SMALL_BATCH}, or more. */
  batch: "one" | "small" | "large";
  /** Whether the input is 8-bit whole numbers. */
  int8: boolean;
}

/** Which variant each product of a model runs in. */
export interface ProductChoices {
  /** The variant for one row of input. */
  matvec(w: Matrix, input: Pick<ProductInput, "int8">): MatvecVariant;
  /** The variant for several rows of input. */
  matmul(
    w: Matrix,
    input: ProductInput & { batch: "small" | "large" },
  ): MatmulVariant;
}

/** The variants of a matrix-matrix product for batches of a size. */
export function matmulVariantsFor(
  gpu: Gpu,
  w: Pick<Matrix, "blocks">,
  { batch, int8 }: ProductInput,
): MatmulVariant[] {
  const rows = batch === "small" ? SMALL_BATCH : SMALL_BATCH + 1;
  return matmulVariants(gpu, w, { batch: rows, int8 });
}

/** The variants that are taken untried. */
export function defaultChoices(gpu: Gpu): ProductChoices {
  return {
    matvec: (w, input) => matvecVariants(gpu, w, input)[0]!,
    matmul: (w, input) => matmulVariantsFor(gpu, w, input)[0]!,
  };
}
