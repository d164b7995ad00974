import { BufferPool } from "../../gpu/buffers.ts";
import type { Gpu } from "../../gpu/gpu.ts";
import type { KernelScope } from "../../gpu/kernel.ts";
import type { Codec } from "../quant/codec.ts";
import type { MatmulVariant, MatvecVariant } from "../variants.ts";
import {
  type MatmulTest,
  type MatvecTest,
  testMatmul,
  testMatvec,
  testMatvecSwiglu,
} from "./products.ts";

/** How far a kernel is from the plain TypeScript reference on this device. */
export interface KernelCheck {
  /** The kernel and its variant. */
  kernel: string;
  /** Normalised mean squared error against the reference in f64. */
  error: number;
  /** Whether that is within what its arithmetic explains. */
  ok: boolean;
  /** Why it could not be run, where it could not. */
  problem?: string;
}

/** Most error of a kernel in f32; drivers that work stay below 1e-12. */
export const F32_LIMIT = 1e-7;
/** Most error behind int8, where numbers halfway are rounded to either side. */
const INT8_LIMIT = 1e-5;

/** Runs one test; a kernel that cannot be compiled or run is one that fails. */
export async function checkKernel(
  gpu: Gpu,
  kernel: string,
  { test, limit = F32_LIMIT }: {
    test: (scope: KernelScope) => Promise<number>;
    limit?: number;
  },
): Promise<KernelCheck> {
  using pool = new BufferPool(gpu.device);
  try {
    const error = await test({ gpu, pool });
    return { kernel, error, ok: error <= limit };
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    return { kernel, error: NaN, ok: false, problem };
  }
}

/** Options for {@linkcode checkVariant}. */
export interface CheckVariantOptions {
  /** The variant. */
  variant: MatvecVariant | MatmulVariant;
  /** Whether its input is int8. */
  int8: boolean;
  /**
   * Whether only the product as it is is checked, and not that it is added, gated
   * or behind a norm, which does not depend on the format. Defaults to `false`.
   */
  plain?: boolean;
}

/**
 * Compares one variant of a format's products with the reference, in each form
 * that models are made of.
 *
 * @param gpu The device.
 * @param codec The format of the weights.
 * @param options The variant, and which forms.
 * @returns One result a form.
 */
export async function checkVariant(
  gpu: Gpu,
  codec: Codec,
  { variant, int8, plain = false }: CheckVariantOptions,
): Promise<KernelCheck[]> {
  const suffix = `${int8 ? "_int8" : ""}.${codec.name} (${variant.name})`;
  const limit = int8 ? INT8_LIMIT : F32_LIMIT;
  const forms = "kind" in variant
    ? matmulForms(codec, { variant, int8 })
    : matvecForms(codec, { variant, int8 });
  const results: KernelCheck[] = [];
  for (const [name, test] of plain ? forms.slice(0, 1) : forms) {
    results.push(await checkKernel(gpu, name + suffix, { test, limit }));
  }
  return results;
}

/** A form of a product: its name, and its test. */
type Form = [name: string, test: (scope: KernelScope) => Promise<number>];

function matmulForms(codec: Codec, options: MatmulTest): Form[] {
  const add = { ...options, accumulate: true };
  return [
    ["matmul", (scope) => testMatmul(scope, codec, options)],
    ["matmul_add", (scope) => testMatmul(scope, codec, add)],
  ];
}

function matvecForms(codec: Codec, options: MatvecTest): Form[] {
  const add = { ...options, accumulate: true };
  const forms: Form[] = [
    ["matvec", (scope) => testMatvec(scope, codec, options)],
    ["matvec_add", (scope) => testMatvec(scope, codec, add)],
  ];
  if (options.int8) {
    return [
      ...forms,
      ["matvec_swiglu", (scope) => testMatvecSwiglu(scope, codec, options)],
    ];
  }
  // An input of f32 is normalized in passing.
  const normed = { ...options, normed: true };
  return [
    ...forms,
    ["matvec_norm", (scope) => testMatvec(scope, codec, normed)],
    ["matvec_swiglu_norm", (scope) => testMatvecSwiglu(scope, codec, normed)],
  ];
}
