import { probeSyncReadback } from "./readback.ts";

/** A device with what the kernels need to know about it. */
export interface Gpu {
  /** The device; every limit is the adapter's. */
  readonly device: GPUDevice;
  /** Who made the adapter, and the driver's own description of it. */
  readonly info: GPUAdapterInfo;
  /** What the adapter offers, hidden features that were found included. */
  readonly features: ReadonlySet<string>;
  /**
   * The subgroup size, or 0 where subgroups are missing, vary in size, or were
   * switched off.
   */
  readonly subgroupSize: number;
  /** What stands before the WGSL of a kernel that uses subgroups. */
  readonly subgroupPrelude: string;
  /** Whether a buffer can be read in the tick it was mapped in. */
  readonly syncReadback: boolean;
  /** What went wrong on the device outside of any error scope. */
  readonly health: GpuHealth;
  /** Compiled pipelines by variant, filled by `compileKernel()`. */
  readonly pipelines: Map<string, Promise<GPUComputePipeline>>;
  /** Lookup tables of weight formats by name, filled by `codecTable()`. */
  readonly tables: Map<string, GPUBuffer>;
}

/** The first thing that went wrong on a device, for good. */
export interface GpuHealth {
  /** A lost device, or an error of a command that nobody waited for. */
  problem: string | undefined;
}

/** Options for {@linkcode requestGpu}. */
export interface RequestGpuOptions {
  /** Which adapter to prefer. Defaults to `"high-performance"`. */
  powerPreference?: GPUPowerPreference | undefined;
  /** Whether kernels may use subgroups where they work. Defaults to `true`. */
  subgroups?: boolean | undefined;
}

/** How to get a WebGPU adapter on each system, in one line. */
export const ADAPTER_HINT =
  "on Linux install a Vulkan driver (Debian, Ubuntu: mesa-vulkan-drivers), " +
  "on macOS 12 or later Metal is built in, on Windows update the graphics driver";

// What is asked for, each where the one before is refused: `adapter.features`
// hides subgroups in Deno although devices have them, so asking is the test.
const WANTED_FEATURES = [
  ["subgroups", "timestamp-query"],
  ["subgroups"],
  [],
] as GPUFeatureName[][];

/**
 * Requests a device with all of the adapter's limits.
 *
 * @param options Which adapter and features to use.
 * @returns The device and its probed features; destroy `device` when done.
 * @throws {Error} If there is no adapter, or it gives no device.
 */
export async function requestGpu(
  options: RequestGpuOptions = {},
): Promise<Gpu> {
  const { powerPreference = "high-performance", subgroups = true } = options;
  if (globalThis.navigator?.gpu === undefined) {
    throw new Error(
      "Cannot find WebGPU: navigator.gpu is undefined, Deno 2.9 or later is wanted",
    );
  }
  const { device, info, features } = await requestDevice(powerPreference);
  const health = watchHealth(device);
  try {
    const probed = await probe(device, info, subgroups);
    return { device, info, features, health, ...probed };
  } catch (error) {
    device.destroy();
    throw error;
  }
}

/** Finds out what the adapter does not tell. */
async function probe(
  device: GPUDevice,
  info: GPUAdapterInfo,
  subgroups: boolean,
) {
  const prelude = subgroups && device.features.has("subgroups")
    ? await probeSubgroups(device)
    : undefined;
  const size = info.subgroupMinSize === info.subgroupMaxSize
    ? info.subgroupMinSize ?? 0
    : 0;
  return {
    subgroupSize: prelude === undefined ? 0 : size,
    subgroupPrelude: prelude ?? "",
    syncReadback: await probeSyncReadback(device),
    pipelines: new Map(),
    tables: new Map(),
  };
}

async function requestDevice(powerPreference: GPUPowerPreference) {
  // A failed request may use an adapter up, so each attempt gets a new one.
  for (const wanted of WANTED_FEATURES) {
    const adapter = await navigator.gpu.requestAdapter({ powerPreference });
    if (adapter === null) {
      throw new Error(
        `Cannot find a WebGPU adapter: this machine offers none; ${ADAPTER_HINT}`,
      );
    }
    try {
      const device = await adapter.requestDevice({
        label: "seraph",
        requiredFeatures: wanted,
        requiredLimits: limitsOf(adapter),
      });
      return {
        device,
        info: adapter.info,
        features: new Set<string>([...adapter.features, ...device.features]),
      };
    } catch (cause) {
      if (wanted.length > 0) continue;
      throw new Error(
        `Cannot open WebGPU adapter "${adapter.info.description}": ${
          cause instanceof Error ? cause.message : cause
        }`,
        { cause },
      );
    }
  }
  throw new Error("unreachable");
}

/** Notes errors that WebGPU reports to nobody in particular. */
function watchHealth(device: GPUDevice): GpuHealth {
  const health: GpuHealth = { problem: undefined };
  device.addEventListener("uncapturederror", (event) => {
    health.problem ??= (event as GPUUncapturedErrorEvent).error.message;
  });
  device.lost.then(({ reason, message }) => {
    if (reason !== "destroyed") {
      health.problem ??= `the device was lost: ${message}`;
    }
  });
  return health;
}

/** All limits of an adapter or a device as a plain record. */
export function limitsOf(
  { limits }: { readonly limits: GPUSupportedLimits },
): Record<string, number> {
  const entries: Record<string, number> = {};
  for (const name in limits) {
    const value = limits[name as keyof GPUSupportedLimits];
    if (typeof value === "number") entries[name] = value;
  }
  return entries;
}

/** Finds the spelling of `enable subgroups;` that this WGSL compiler wants. */
async function probeSubgroups(device: GPUDevice): Promise<string | undefined> {
  const body =
    "@group(0) @binding(0) var<storage, read_write> y: array<f32>;\n" +
    "@compute @workgroup_size(32) fn main(@builtin(local_invocation_index) i: u32)" +
    " { y[i] = subgroupShuffleXor(y[i], 1u); }";
  // naga refuses the line, Dawn and browsers insist on it.
  for (const prelude of ["", "enable subgroups;\n"]) {
    device.pushErrorScope("validation");
    const module = device.createShaderModule({ code: prelude + body });
    const { messages } = await module.getCompilationInfo();
    const error = await device.popErrorScope();
    if (error === null && messages.every((m) => m.type !== "error")) {
      return prelude;
    }
  }
  return undefined;
}
