import { BufferPool } from "../../gpu/buffers.ts";
import type { Gpu } from "../../gpu/gpu.ts";
import type { KernelScope } from "../../gpu/kernel.ts";
import type { Codec } from "../quant/codec.ts";
import type { MatmulVariant, MatvecVariant } from "../variants.ts";
import {
  type MatmulTest,
  testMatmul,
  testMatvec,
  testMatvecSwiglu,
} from "./products.ts";
import { type StepsTest, testSteps } from "./steps.ts";

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
  /** Most rows of a matrix-vector product's input. Defaults to 1. */
  steps?: number | undefined;
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
  { variant, int8, plain = false, steps = 1 }: CheckVariantOptions,
): Promise<KernelCheck[]> {
  const suffix = `${int8 ? "_int8" : ""}.${codec.name} (${variant.name})`;
  const forms = "kind" in variant
    ? matmulForms(codec, { variant, int8 })
    : matvecForms(codec, { variant, int8, steps });
  const results: KernelCheck[] = [];
  for (const { name, tests } of plain ? forms.slice(0, 1) : forms) {
    for (const [kind, { test, limit }] of Object.entries(tests)) {
      const kernel = `${name}${kind}${suffix}`;
      results.push(await checkKernel(gpu, kernel, { test, limit }));
    }
  }
  return results;
}

/** A form of a product: its name, and its tests by what follows the name. */
interface Form {
  name: string;
  tests: Record<string, {
    test: (scope: KernelScope) => Promise<number>;
    limit: number;
  }>;
}

function matmulForms(codec: Codec, options: MatmulTest): Form[] {
  const limit = options.int8 ? INT8_LIMIT : F32_LIMIT;
  const form = (name: string, accumulate: boolean): Form => {
    const test = (scope: KernelScope) =>
      testMatmul(scope, codec, { ...options, accumulate });
    return { name, tests: { "": { test, limit } } };
  };
  return [form("matmul", false), form("matmul_add", true)];
}

function matvecForms(
  codec: Codec,
  { steps, ...options }: Omit<StepsTest, "gated">,
): Form[] {
  const limit = options.int8 ? INT8_LIMIT : F32_LIMIT;
  const form = (
    name: string,
    { gated, ...rest }: Partial<StepsTest> = {},
  ): Form => {
    const test = (scope: KernelScope) =>
      (gated ? testMatvecSwiglu : testMatvec)(scope, codec, {
        ...options,
        ...rest,
      });
    const one = { test, limit };
    if (steps === 1) return { name, tests: { "": one } };
    const together = (scope: KernelScope) =>
      testSteps(scope, codec, { ...options, ...rest, gated: !!gated, steps });
    // Not a bit may differ from one row alone, which is compared itself.
    return { name, tests: { "": one, _steps: { test: together, limit: 0 } } };
  };
  const forms = [form("matvec"), form("matvec_add", { accumulate: true })];
  if (options.int8) {
    return [...forms, form("matvec_swiglu", { gated: true })];
  }
  // An input of f32 is normalized in passing.
  return [
    ...forms,
    form("matvec_norm", { normed: true }),
    form("matvec_swiglu_norm", { normed: true, gated: true }),
  ];
}
