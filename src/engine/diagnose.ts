import { runtimeName } from "../gpu/runtime.ts";
import { limitsOf, requestGpu, type RequestGpuOptions } from "../gpu/gpu.ts";
import { CODECS } from "../kernels/quant/codecs.ts";
import { knownTuning, type TunedProduct } from "../tune/cache.ts";
import { FORMS_OF, verifyKernels } from "../kernels/verify/verify.ts";
import type { KernelCheck } from "../kernels/verify/variants.ts";

/** What there is to know about the GPU. */
export interface Diagnosis {
  /** Who made the adapter, and the driver's description of it. */
  adapter: {
    vendor: string;
    architecture: string;
    device: string;
    description: string;
    isFallbackAdapter: boolean;
  };
  /** What the driver calls itself. */
  driver: string;
  /** The runtime with its version. */
  runtime: string;
  /** Features of the adapter, hidden ones that were found included. */
  features: string[];
  /** Size of a subgroup, 0 where kernels cannot use them. */
  subgroupSize: number;
  /** Whether results are read without waiting for a promise. */
  syncReadback: boolean;
  /** The device's limits. */
  limits: Record<string, number>;
  /** The variants that were measured to be the fastest, on this device. */
  tuning: {
    /** The file that they are kept in, where the program may use it. */
    path: string | undefined;
    /** By format, shape, batch and input: `"Q4_0 5120x5120 one f32"`. */
    products: Record<string, TunedProduct>;
  };
  /** Each kernel against its reference, with subgroups and without. */
  selfTest: KernelCheck[];
}

/** Options for {@linkcode diagnose}. */
export interface DiagnoseOptions extends RequestGpuOptions {
  /** Stops it between two kernels. */
  signal?: AbortSignal | undefined;
}

/**
 * Examines the GPU and tests each kernel on it.
 *
 * @param options Which adapter to examine, and interruption.
 * @returns What was found; look at `selfTest` for kernels that fail.
 * @throws {Error} If there is no adapter.
 */
export async function diagnose(
  options: DiagnoseOptions = {},
): Promise<Diagnosis> {
  const { signal } = options;
  signal?.throwIfAborted();
  const gpu = await requestGpu(options);
  try {
    const { vendor, architecture, device, description, isFallbackAdapter } =
      gpu.info;
    const selfTest = await verifyKernels(gpu, { signal });
    if (gpu.subgroupSize > 0) {
      const plain = { ...gpu, subgroupSize: 0, pipelines: new Map() };
      const known = new Set(selfTest.map(({ kernel }) => kernel));
      // How sums are added without subgroups does not depend on the format.
      const codecs = FORMS_OF.map((name) => CODECS.get(name)!);
      const others = await verifyKernels(plain, { codecs, signal });
      selfTest.push(...others.filter(({ kernel }) => !known.has(kernel)));
    }
    const { path, tuning } = await knownTuning(gpu);
    return {
      adapter: { vendor, architecture, device, description, isFallbackAdapter },
      driver: description,
      runtime: runtimeName(),
      features: [...gpu.features].sort(),
      subgroupSize: gpu.subgroupSize,
      syncReadback: gpu.syncReadback,
      limits: limitsOf(gpu.device),
      tuning: { path, products: Object.fromEntries(tuning) },
      selfTest,
    };
  } finally {
    gpu.device.destroy();
  }
}
