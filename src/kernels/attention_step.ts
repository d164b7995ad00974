import type { Gpu } from "../gpu/gpu.ts";
import {
  bindBuffers,
  type Binding,
  compileKernel,
  type CompileKernelOptions,
  type KernelScope,
  workgroupSize,
} from "../gpu/kernel.ts";
import {
  attentionParams,
  type AttentionShape,
  combineCode,
  reduceCode,
} from "./attention.ts";
import keysCode from "./attention_keys.wgsl" with { type: "text" };
import keysStepCode from "./attention_keys_step.wgsl" with { type: "text" };
import lanesCode from "./attention_lanes.wgsl" with { type: "text" };
import partsCode from "./attention_parts.wgsl" with { type: "text" };
import mergeCode from "./attention_reduce.wgsl" with { type: "text" };
import sharedCode from "./attention_shared.wgsl" with { type: "text" };
import stepCode from "./attention_step.wgsl" with { type: "text" };
import {
  type AttentionStepVariant,
  attentionStepVariants,
  keyLanes,
} from "./attention_variants.ts";
import { type Batch, MAX_STEPS } from "./batch.ts";
import { headOctets, KV_FORMATS } from "./kv_cache.ts";
import rotateCode from "./rotate.wgsl" with { type: "text" };

/** Buffers of one {@linkcode AttentionStep} dispatch. */
export interface AttentionStepBuffers {
  /** Heads of q, of k, of v, `[rows, (heads + 2 * kvHeads) * headDim]` f32. */
  qkv: Binding;
  /** From `ropeTable()`. */
  table: Binding;
  /** Cache of k, `[context, kvHeads, words]`; the rows' are appended. */
  k: Binding;
  /** Cache of v, `[context, kvHeads, words]`; the rows' are appended. */
  v: Binding;
  /** Output, `[rows, stride]` f32. */
  y: Binding;
  /** The batch; see `batch.ts`. */
  batch: Binding;
}

/** Options for {@linkcode createAttentionStep}. */
export interface AttentionStepOptions extends AttentionShape {
  /** Defaults to the first of {@linkcode attentionStepVariants}. */
  variant?: AttentionStepVariant | undefined;
  /**
   * Most parts that the keys of a head are cut into, a workgroup each. Defaults
   * to what fills the device.
   */
  maxParts?: number | undefined;
  /** Least keys of a part. Defaults to 256. */
  partKeys?: number | undefined;
}

/**
 * A bound {@linkcode AttentionStep}; it is told what stands in its batch, at most
 * {@linkcode MAX_STEPS} rows.
 */
export type StepKernel = (
  pass: GPUComputePassEncoder,
  batch: Pick<Batch, "rows" | "position">,
) => void;

/** Rotary embedding, KV write and attention of rows one after the other. */
export interface AttentionStep {
  /**
   * The most parts that the keys of a head are cut into: all that recording a
   * batch takes from its position.
   */
  parts(batch: Pick<Batch, "rows" | "position">): number;
  /** Binds the kernel to fixed buffers. */
  bind(buffers: AttentionStepBuffers): StepKernel;
}

/** Workgroups that fill a device: of the largest, some for each core. */
const FULL = { hardware: 512, software: 8 };
/** Keys that the parts are made of; see attention_parts.wgsl. */
const PART_UNIT = 64;
const LANES_WORKGROUP = 128;

/**
 * How many parts the keys before a row are cut into, none of them empty.
 *
 * @param keys Keys before its own that the row sees.
 * @param options Most parts, and the least keys of one.
 * @returns The parts, at least 1.
 */
export function partsAt(
  keys: number,
  { maxParts, partKeys }: { maxParts: number; partKeys: number },
): number {
  // Two parts cost a dispatch more than one: they have to be worth it.
  const wanted = Math.min(maxParts, Math.floor(keys / partKeys));
  if (wanted <= 1) return 1;
  const size = Math.ceil(keys / wanted / PART_UNIT) * PART_UNIT;
  return Math.ceil(keys / size);
}

/**
 * Compiles rotary embedding, KV write and attention of one row as one kernel:
 * what `createRope()` and `createAttention()` do for a batch. Long contexts are
 * cut into parts, which a second kernel adds up (flash decoding).
 *
 * Several rows are appended before they are attended to, by the same kernel:
 * each gets what it would get alone behind the rows before it, to the bit.
 *
 * @param scope The device and the owner of the parameters.
 * @param options The shape, the cache's type and the variant.
 * @returns The compiled kernel.
 * @throws {RangeError} If the head size is odd or too large, or the window no
 * positive integer.
 */
export async function createAttentionStep(
  { gpu, pool }: KernelScope,
  options: AttentionStepOptions,
): Promise<AttentionStep> {
  const { device } = gpu;
  const params = pool.uniform(attentionParams(options));
  const { heads, headDim, window = Infinity, partKeys = 256 } = options;
  const { maxParts = fillingParts(gpu, heads) } = options;
  const { variant = attentionStepVariants(gpu, headDim)[0]! } = options;
  const source = sourceOf(gpu, variant, options);
  const step = await compileKernel(gpu, source);
  const merge = await compileKernel(gpu, {
    label: "attention_reduce",
    code: [sharedCode, partsCode, mergeCode],
    constants: { WORKGROUP_SIZE: workgroupSize(gpu) },
  });
  const partials = createPartials({ gpu, pool }, { heads, headDim, maxParts });
  // As struct Task in attention_parts.wgsl.
  const taskOf = (appends: 0 | 1, attends: 0 | 1) =>
    pool.uniform([maxParts, partKeys, appends, attends]);
  const tasks = {
    both: taskOf(1, 1),
    append: taskOf(1, 0),
    attend: taskOf(0, 1),
  };
  const partsOf: AttentionStep["parts"] = ({ rows, position }) => {
    let parts = 1;
    for (let end = position; end < position + rows; end++) {
      const keys = Math.min(end, window - 1);
      parts = Math.max(parts, partsAt(keys, { maxParts, partKeys }));
    }
    return parts;
  };
  return {
    parts: partsOf,
    bind({ qkv, table, k, v, y, batch }) {
      const all = [qkv, table, k, v, y, params, batch, partials];
      const bindStep = (task: GPUBuffer) =>
        bindBuffers(device, step, [...all, task]);
      const both = bindStep(tasks.both);
      const append = bindStep(tasks.append);
      const attend = bindStep(tasks.attend);
      const mergeGroup = bindBuffers(device, merge, [
        ...[partials, undefined, undefined, undefined],
        ...[y, params, batch, undefined, tasks.both],
      ]);
      return (pass, { rows, position }) => {
        checkRows(rows);
        const parts = partsOf({ rows, position });
        pass.setPipeline(step);
        if (rows > 1) {
          pass.setBindGroup(0, append);
          pass.dispatchWorkgroups(heads, parts, rows);
        }
        pass.setBindGroup(0, rows > 1 ? attend : both);
        pass.dispatchWorkgroups(heads, parts, rows);
        if (parts === 1) return;
        pass.setPipeline(merge);
        pass.setBindGroup(0, mergeGroup);
        pass.dispatchWorkgroups(heads, rows);
      };
    },
  };
}

/** Parts of so many heads that fill a device. */
function fillingParts({ info }: Gpu, heads: number): number {
  const full = info.isFallbackAdapter ? FULL.software : FULL.hardware;
  return Math.ceil(full / heads);
}

/** Allocates what comes of the parts of {@linkcode createAttentionStep}. */
export function createPartials(
  { gpu, pool }: KernelScope,
  { heads, headDim, maxParts = fillingParts(gpu, heads) }: Pick<
    AttentionStepOptions,
    "heads" | "headDim" | "maxParts"
  >,
): GPUBuffer {
  return pool.create({
    label: "attention.partials",
    size: 16 * MAX_STEPS * maxParts * heads * (1 + 2 * headOctets(headDim)),
  });
}

function checkRows(rows: number): void {
  if (!Number.isInteger(rows) || rows < 1 || rows > MAX_STEPS) {
    throw new RangeError(
      `Cannot record attention: there are ${rows} rows, 1 to ${MAX_STEPS} are wanted`,
    );
  }
}

/** A variant's code. */
function sourceOf(
  gpu: Gpu,
  variant: AttentionStepVariant,
  { headDim, kv }: AttentionShape,
): CompileKernelOptions {
  const { code, writeCode } = KV_FORMATS[kv];
  const front = [
    ...[code, writeCode, sharedCode, partsCode],
    ...[rotateCode, stepCode],
  ];
  const label = `attention_step.${variant}.kv_${kv}`;
  switch (variant) {
    case "lanes":
    case "lanes_tree":
      return {
        label,
        code: [...reduceCode(gpu, variant === "lanes"), ...front, lanesCode],
        constants: {
          WORKGROUP_SIZE: LANES_WORKGROUP,
          LANES: keyLanes(headDim),
        },
      };
    case "keys":
    case "keys_tree":
      return {
        label,
        code: [
          ...combineCode(gpu, variant === "keys"),
          ...front,
          keysStepCode,
          keysCode,
        ],
        constants: { WORKGROUP_SIZE: workgroupSize(gpu) },
      };
  }
}
