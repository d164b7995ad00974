import { BufferPool } from "../../gpu/buffers.ts";
import type { Gpu } from "../../gpu/gpu.ts";
import type { KernelScope } from "../../gpu/kernel.ts";
import type { Codec } from "../quant/codec.ts";
import type { MatmulVariant, MatvecVariant } from "../variants.ts";
import { testMatmul, testMatvec, testMatvecSwiglu } from "./products.ts";

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

/**
 * Compares one variant of a format's products with the reference: of a
 * matrix-vector one, each form that models are made of.
 *
 * @param gpu The device.
 * @param codec The format of the weights.
 * @param options The variant, and whether its input is int8.
 * @returns One result a form.
 */
export async function checkVariant(
  gpu: Gpu,
  codec: Codec,
  { variant, int8 }: { variant: MatvecVariant | MatmulVariant; int8: boolean },
): Promise<KernelCheck[]> {
  const suffix = `${int8 ? "_int8" : ""}.${codec.name} (${variant.name})`;
  const limit = int8 ? INT8_LIMIT : F32_LIMIT;
  const check = (name: string, test: (scope: KernelScope) => Promise<number>) =>
    checkKernel(gpu, name + suffix, { test, limit });
  const results: KernelCheck[] = [];
  if ("kind" in variant) {
    for (const accumulate of [false, true]) {
      const options = { variant, int8, accumulate };
      results.push(
        await check(
          `matmul${accumulate ? "_add" : ""}`,
          (scope) => testMatmul(scope, codec, options),
        ),
      );
    }
    return results;
  }
  // The forms that models are made of: f32 is normalized in passing.
  const options = { variant, int8 };
  const norm = int8 ? "" : "_norm";
  results.push(
    await check("matvec", (scope) => testMatvec(scope, codec, options)),
    await check(
      "matvec_add",
      (scope) => testMatvec(scope, codec, { ...options, accumulate: true }),
    ),
    await check(
      `matvec_swiglu${norm}`,
      (scope) => testMatvecSwiglu(scope, codec, { ...options, normed: !int8 }),
    ),
  );
  if (!int8) {
    results.push(
      await check(
        "matvec_norm",
        (scope) => testMatvec(scope, codec, { ...options, normed: true }),
      ),
    );
  }
  return results;
}
