import type { Gpu } from "../gpu/gpu.ts";
import type { LedgerDevice } from "../gpu/ledger.ts";
import { formatBytes } from "../gpu/buffers.ts";
import { headBytes, KV_TYPES, type KvType } from "../kernels/kv_cache.ts";
import {
  type ModelPlan,
  planLlama,
  type PlanLlamaOptions,
} from "../model/memory_plan.ts";
import { longestContext } from "../model/rope.ts";
import type { PackedType } from "./load_options.ts";
import { freeMemory, USABLE_SHARE } from "./memory.ts";

/** The device that a plan is for. */
export interface PlannedDevice extends LedgerDevice {
  /** The adapter's description of itself, `null` where there is none. */
  name: string | null;
  /**
   * Bytes of memory that are free: of the system where the adapter is a software
   * one, else of the GPU where something says; `null` where nothing does.
   */
  freeBytes: number | null;
}

/** Other options, with which a model would fit. */
export interface PlanAlternative {
  /** Positions of a conversation. */
  contextLength: number;
  /** Element type of the KV cache. */
  kv: KvType;
  /** What weights would be quantized to while they are loaded, where they are. */
  as?: PackedType;
  /** All that would stay allocated. */
  totalBytes: number;
}

/** What loading a model will allocate, and whether there is room for it. */
export interface MemoryPlan {
  /** The model, then its draft where it has one. */
  models: ModelPlan[];
  /** All that stays allocated once it is loaded. */
  totalBytes: number;
  /** The most that is allocated at any time until then. */
  peakBytes: number;
  /** The device. */
  device: PlannedDevice;
  /**
   * Bytes that may be used: Deno lets buffers fill 97 % of a GPU's memory. `null`
   * where it is not known what is free.
   */
  availableBytes: number | null;
  /** Whether it fits; `null` where only loading it will tell. */
  fits: boolean | null;
  /** What does not fit, `null` where nothing is known to be in the way. */
  problem: string | null;
  /** Where it does not fit: what would, the most like it first. */
  alternatives: PlanAlternative[];
}

/** A model to plan. */
export type PlannedModel = Omit<
  PlanLlamaOptions,
  "context" | "batch" | "kv" | "int8"
>;

/** What a plan is made for. */
export interface PlanInput {
  /** The model, then its draft where it has one. */
  models: readonly PlannedModel[];
  /**
   * The same models with weights quantized while they are loaded; `undefined`
   * where they are quantized already.
   */
  packed?: (as: PackedType) => Promise<readonly PlannedModel[] | undefined>;
  /** Positions of a conversation. */
  contextLength: number;
  /** Most prompt tokens that run in one step. */
  batchSize: number;
  /** Element type of the KV cache. */
  kv: KvType;
  /** Whether the input of products is rounded to 8 bits. */
  int8: boolean;
}

/** Tells whether a device has room for a plan, where numbers do not. */
export type RoomProbe = (plan: MemoryPlan) => Promise<boolean>;

/** Fewest rows of a batch that are worth less memory. */
export const LEAST_BATCH = 32;
/** What float weights are proposed to be quantized to, the best first. */
const PROPOSED_TYPES: readonly PackedType[] = ["q8_0", "q4_0"];
/** Contexts are proposed in steps of this many positions. */
const CONTEXT_STEP = 256;

/** What of a device a plan looks at. */
export function planDevice(
  { limits, info }: {
    limits: GPUSupportedLimits;
    info: GPUAdapterInfo & MemoryHeaps;
  },
): PlannedDevice {
  const isSoftware = info.isFallbackAdapter;
  const free = isSoftware ? freeMemory() : heapBytes(info);
  return {
    name: info.description,
    isSoftware,
    maxBufferSize: limits.maxBufferSize,
    maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
    maxComputeWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
    freeBytes: Number.isFinite(free) ? free : null,
  };
}

/** What Chrome tells of a GPU's memory where it is asked to. */
interface MemoryHeaps {
  readonly memoryHeaps?: readonly { readonly size: number }[];
}

/** Bytes of the largest memory of a GPU, `Infinity` where it does not say. */
function heapBytes({ memoryHeaps = [] }: MemoryHeaps): number {
  const sizes = memoryHeaps.map(({ size }) => size);
  return sizes.length === 0 ? Infinity : Math.max(...sizes);
}

/**
 * Plans models, with a smaller batch where that makes them fit.
 *
 * @param input The models, and how they are to be loaded.
 * @param device What they are to run on.
 * @param probe Asks the device where it is not known what is free.
 * @returns The plan, with what would fit in its place where it does not.
 */
export async function planMemory(
  input: PlanInput,
  device: PlannedDevice,
  probe?: RoomProbe,
): Promise<MemoryPlan> {
  const plan = planOnce(input, device);
  const fits = await judge(plan, probe);
  if (fits !== false) return { ...plan, fits };
  const smaller = await withLessBatch(input, device, probe);
  if (smaller !== undefined) return smaller;
  const alternatives: PlanAlternative[] = [];
  for (const kv of smallerTypes(input)) {
    const found = await longestThatFits({ ...input, kv }, device, probe);
    if (found !== undefined) alternatives.push(found);
  }
  for (const as of PROPOSED_TYPES) {
    const models = await input.packed?.(as);
    if (models === undefined) break;
    const found = await longestThatFits({ ...input, models }, device, probe);
    if (found === undefined) continue;
    alternatives.push({ ...found, as });
    if (found.contextLength === input.contextLength) break;
  }
  const problem = plan.problem ??
    `the GPU has no room for ${formatBytes(plan.peakBytes)}`;
  return { ...plan, fits, problem, alternatives };
}

/** Whether there is room for a plan. */
async function judge(
  plan: MemoryPlan,
  probe: RoomProbe | undefined,
): Promise<boolean | null> {
  if (plan.problem !== null) return false;
  if (plan.availableBytes !== null) return true;
  return probe === undefined ? null : await probe(plan);
}

/** A plan of fewer rows that fits, as loading tries them. */
async function withLessBatch(
  input: PlanInput,
  device: PlannedDevice,
  probe: RoomProbe | undefined,
): Promise<MemoryPlan | undefined> {
  let { batchSize } = input;
  while (batchSize > LEAST_BATCH) {
    batchSize = Math.ceil(batchSize / 2);
    const plan = planOnce({ ...input, batchSize }, device);
    const fits = await judge(plan, probe);
    if (fits !== false) return { ...plan, fits };
  }
}

/** Types of KV cache to try: the same one, then each that takes less. */
function smallerTypes({ kv, models }: PlanInput): KvType[] {
  const { config } = models[0]!;
  const bytesOf = (kv: KvType) => headBytes(config.headDim, kv);
  const less = KV_TYPES.filter((type) => bytesOf(type) < bytesOf(kv))
    .sort((a, b) => bytesOf(b) - bytesOf(a));
  return [kv, ...less];
}

/** The longest context that fits, at most that of the input. */
async function longestThatFits(
  input: PlanInput,
  device: PlannedDevice,
  probe: RoomProbe | undefined,
): Promise<PlanAlternative | undefined> {
  const { contextLength: most, kv } = input;
  const fitting = async (contextLength: number) => {
    const batchSize = Math.min(LEAST_BATCH, contextLength);
    const shorter = { ...input, contextLength, batchSize };
    const plan = planOnce(shorter, device);
    return await judge(plan, probe) === false ? undefined : plan;
  };
  let best: PlanAlternative | undefined;
  const take = ({ totalBytes }: MemoryPlan, contextLength: number) =>
    best = { contextLength, kv, totalBytes };
  const whole = await fitting(most);
  if (whole !== undefined) return take(whole, most);
  // In steps, of which the last may be the whole of it and does not fit.
  let low = 0;
  let high = Math.ceil(most / CONTEXT_STEP);
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    const plan = await fitting(middle * CONTEXT_STEP);
    if (plan === undefined) high = middle;
    else {
      low = middle;
      take(plan, middle * CONTEXT_STEP);
    }
  }
  return best;
}

/** A plan as it is asked for; whether it fits is only known by its numbers. */
function planOnce(
  { models, contextLength, batchSize, kv, int8 }: PlanInput,
  device: PlannedDevice,
): MemoryPlan {
  const plans = models.map((model) =>
    planLlama(device, {
      ...model,
      ...{ kv, int8 },
      context: Math.min(contextLength, longestContext(model.config)),
      batch: Math.min(batchSize, contextLength),
    })
  );
  const availableBytes = device.freeBytes === null
    ? null
    : Math.floor(device.freeBytes * USABLE_SHARE);
  const plan = {
    models: plans,
    totalBytes: plans.reduce((sum, { totalBytes }) => sum + totalBytes, 0),
    peakBytes: peakOf(plans),
    device,
    availableBytes,
  };
  const problem = problemOf(plan);
  return { ...plan, fits: null, problem, alternatives: [] };
}

/** Models are loaded one after the other, each with its own staging. */
function peakOf(plans: readonly ModelPlan[]): number {
  let loaded = 0;
  let peak = 0;
  for (const { weightBytes, staging, totalBytes } of plans) {
    const { uploadBytes, queuedBytes } = staging;
    const loading = loaded + weightBytes + uploadBytes + queuedBytes;
    loaded += totalBytes;
    peak = Math.max(peak, loading, loaded);
  }
  return peak;
}

function problemOf(
  { models, peakBytes, availableBytes }: Pick<
    MemoryPlan,
    "models" | "peakBytes" | "availableBytes"
  >,
): string | null {
  for (const { largest: { label, bytes, limitBytes } } of models) {
    if (bytes <= limitBytes) continue;
    return `${label} takes ${formatBytes(bytes)}, at most ${
      formatBytes(limitBytes)
    } fit into one binding of the device`;
  }
  if (availableBytes === null || peakBytes <= availableBytes) return null;
  return `it takes ${formatBytes(peakBytes)}, of what is free ${
    formatBytes(availableBytes)
  } may be used`;
}

/** What a plan looks at of a device that is open. */
export function planGpu({ device, info }: Gpu): PlannedDevice {
  return planDevice({ limits: device.limits, info });
}
