import type { Gpu } from "../gpu/gpu.ts";
import type { KernelCheck } from "../kernels/verify/variants.ts";
import { deviceName } from "./cache.ts";

/** Which variant of a kernel a model runs, and why. */
export interface KernelChoice {
  /**
   * What it computes: `"Q4_0 5120x5120 step f32"`, a product of format, shape,
   * kind of rows and input; `"attention 40/40x128 f16"`, of heads and cache.
   */
  product: string;
  /** Name of the variant. */
  variant: string;
  /** Where the choice comes from. */
  source: "untried" | "cached" | "measured";
  /** Milliseconds of one product, where it was measured. */
  ms?: number;
  /** Milliseconds in the variant that is taken untried, where measured. */
  untriedMs?: number;
  /** Variants that computed wrong results here, before this one was taken. */
  refused: KernelCheck[];
}

/** The error where a device gets every variant of a kernel wrong. */
export function wrongKernels(
  gpu: Gpu,
  what: string,
  refused: readonly KernelCheck[],
): Error {
  const reasons = refused.map(({ kernel, error, problem }) =>
    `${kernel}: ${problem ?? `error ${error.toExponential(1)}`}`
  );
  return new Error(
    `Cannot run ${what} on ${deviceName(gpu)}: ${
      reasons.join("; ")
    }; a driver that computes what the reference does is wanted`,
  );
}
