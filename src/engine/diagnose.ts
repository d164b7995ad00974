import { limitsOf, requestGpu, type RequestGpuOptions } from "../gpu/gpu.ts";
import { type KernelCheck, verifyKernels } from "../kernels/verify/verify.ts";

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
  /** Each kernel against its reference, with subgroups and without. */
  selfTest: KernelCheck[];
}

/**
 * Examines the GPU and tests each kernel on it.
 *
 * @param options Which adapter to examine.
 * @returns What was found; look at `selfTest` for kernels that fail.
 * @throws {Error} If there is no adapter.
 */
export async function diagnose(
  options: RequestGpuOptions = {},
): Promise<Diagnosis> {
  const gpu = await requestGpu(options);
  try {
    const { vendor, architecture, device, description, isFallbackAdapter } =
      gpu.info;
    const selfTest = await verifyKernels(gpu);
    if (gpu.subgroupSize > 0) {
      const plain = { ...gpu, subgroupSize: 0, pipelines: new Map() };
      const known = new Set(selfTest.map(({ kernel }) => kernel));
      const others = await verifyKernels(plain);
      selfTest.push(...others.filter(({ kernel }) => !known.has(kernel)));
    }
    return {
      adapter: { vendor, architecture, device, description, isFallbackAdapter },
      driver: description,
      runtime: runtimeName(),
      features: [...gpu.features].sort(),
      subgroupSize: gpu.subgroupSize,
      syncReadback: gpu.syncReadback,
      limits: limitsOf(gpu.device),
      selfTest,
    };
  } finally {
    gpu.device.destroy();
  }
}

function runtimeName(): string {
  const { Deno } = globalThis as { Deno?: { version: { deno: string } } };
  return Deno === undefined
    ? globalThis.navigator.userAgent
    : `Deno ${Deno.version.deno}`;
}
