import type { ModelInput } from "../sources/input.ts";
import { requestGpu, type RequestGpuOptions } from "../gpu/gpu.ts";
import { type OpenFiles, openFiles } from "./load.ts";
import type { LoadModelOptions } from "./load_options.ts";
import {
  type MemoryPlan,
  planDevice,
  planMemory,
  type PlannedDevice,
} from "./plan.ts";
import { planFiles, planInput } from "./plan_load.ts";

/** Options for {@linkcode planModel}: those of `loadModel()`, and the device. */
export interface PlanModelOptions extends
  Pick<
    LoadModelOptions,
    | "activations"
    | "as"
    | "batchSize"
    | "contextLength"
    | "download"
    | "draft"
    | "kv"
    | "rope"
    | "signal"
  >,
  Pick<RequestGpuOptions, "powerPreference"> {
  /**
   * Bytes of memory that the GPU has free. Defaults to what is known of the
   * adapter: of a software one, what the system has free.
   */
  memory?: number | undefined;
  /**
   * Whether the GPU is asked for all that the plan takes, and given it back, where
   * nothing else says how much is free. Opens a device. Defaults to `false`.
   */
  probe?: boolean | undefined;
  /**
   * What is to be known of another device than the adapter of this machine; what
   * is left out is the adapter's. Defaults to all of that.
   */
  device?: Partial<PlannedDevice> | undefined;
}

/** What each WebGPU device has at least. */
const LEAST_DEVICE: PlannedDevice = {
  name: null,
  isSoftware: false,
  maxBufferSize: 256 * 2 ** 20,
  maxStorageBufferBindingSize: 128 * 2 ** 20,
  maxComputeWorkgroupsPerDimension: 65535,
  freeBytes: null,
};

/**
 * Foretells the GPU memory that a model takes, from its header alone: no weights
 * are read, and but for `probe` no device is opened.
 *
 * @example
 * ```ts
 * import { planModel } from "@seraph/seraph";
 *
 * const plan = await planModel("models/tiny-archangel-q8_0.gguf", {
 *   contextLength: 512,
 *   memory: 12 * 2 ** 30,
 * });
 * console.log(plan.fits, plan.totalBytes);
 * ```
 *
 * @param input The model, as for `loadModel()`.
 * @param options How it is to be loaded, and on what.
 * @returns The plan, also of a model that does not fit.
 * @throws {RangeError} If an option is out of its range.
 * @throws {Error} If the file is missing, broken or of an unsupported kind.
 */
export async function planModel(
  input: ModelInput,
  options: PlanModelOptions = {},
): Promise<MemoryPlan> {
  const { memory, probe, signal } = options;
  signal?.throwIfAborted();
  if (memory !== undefined && !(memory >= 0 && memory < Infinity)) {
    throw new RangeError(
      `Cannot plan model: memory is ${memory}, bytes from 0 on are wanted`,
    );
  }
  await using files = await openFiles(input, options);
  if (probe) return await planOnGpu(files, options);
  const known = { ...await findDevice(options), ...options.device };
  const device = memory === undefined ? known : { ...known, freeBytes: memory };
  signal?.throwIfAborted();
  return await planMemory(planInput(files, options), device);
}

/** Plans for the GPU of this machine, as loading does. */
async function planOnGpu(
  files: OpenFiles,
  options: PlanModelOptions,
): Promise<MemoryPlan> {
  const { memory, device, powerPreference } = options;
  if (memory !== undefined || device !== undefined) {
    throw new TypeError(
      "Cannot plan model: probe is true, and memory or device of another GPU is given",
    );
  }
  const gpu = await requestGpu({ powerPreference });
  try {
    return await planFiles(gpu, files, options);
  } finally {
    gpu.device.destroy();
  }
}

/** What the adapter says, or else what all have. */
async function findDevice(
  { powerPreference = "high-performance" }: PlanModelOptions,
): Promise<PlannedDevice> {
  const adapter = await globalThis.navigator?.gpu?.requestAdapter({
    powerPreference,
  });
  return adapter ? planDevice(adapter) : LEAST_DEVICE;
}
