import type { Gpu } from "../gpu/gpu.ts";
import type { RowKind } from "./batch.ts";
import type { Matrix } from "./matrix.ts";
import {
  type MatmulVariant,
  matmulVariants,
  type MatvecVariant,
  matvecVariants,
} from "./variants.ts";

/** What weights are multiplied with. */
export type Activations = "f32" | "int8";

/** Every {@linkcode Activations}. */
export const ACTIVATIONS: readonly Activations[] = ["f32", "int8"];

/** What a product's input is. */
export interface ProductInput {
  /** How its rows are added up. */
  kind: RowKind;
  /** Whether it is 8-bit whole numbers. */
  int8: boolean;
}

/** Which variant each product of a model runs in. */
export interface ProductChoices {
  /** The variant for rows of the kind `"step"`. */
  matvec(w: Matrix, input: Pick<ProductInput, "int8">): MatvecVariant;
  /** The variant for rows of the kind `"prompt"`. */
  matmul(w: Matrix, input: Pick<ProductInput, "int8">): MatmulVariant;
}

/** The variants that are taken untried. */
export function defaultChoices(gpu: Gpu): ProductChoices {
  return {
    matvec: (w, input) => matvecVariants(gpu, w, input)[0]!,
    matmul: (_, input) => matmulVariants(gpu, input)[0]!,
  };
}
