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
import mergeCode from "./attention_reduce.wgsl" with { type: "text" };
import sharedCode from "./attention_shared.wgsl" with { type: "text" };
import stepCode from "./attention_step.wgsl" with { type: "text" };
import {
  type AttentionStepVariant,
  attentionStepVariants,
  keyLanes,
} from "./attention_variants.ts";
import { headOctets, KV_FORMATS } from "./kv_cache.ts";
import rotateCode from "./rotate.wgsl" with { type: "text" };

/** Buffers of one {@linkcode AttentionStep} dispatch. */
export interface AttentionStepBuffers {
  /** Heads of q, of k, of v of one row, f32. */
  qkv: Binding;
  /** From `ropeTable()`. */
  table: Binding;
  /** Cache of k, `[context, kvHeads, words]`; this row's is appended. */
  k: Binding;
  /** Cache of v, `[context, kvHeads, words]`; this row's is appended. */
  v: Binding;
  /** Output, `[stride]` f32. */
  y: Binding;
  /** The batch, of one row; see `batch.ts`. */
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

/** A bound {@linkcode AttentionStep}; it is told the row's position. */
export type StepKernel = (
  pass: GPUComputePassEncoder,
  position: number,
) => void;

/** Rotary embedding, KV write and attention of one row. */
export interface AttentionStep {
  /** Binds the kernel to fixed buffers. */
  bind(buffers: AttentionStepBuffers): StepKernel;
}

/** Workgroups that fill a device: of the largest, some for each core. */
const FULL = { hardware: 512, software: 8 };
/** Keys that the parts are made of; see attention_step.wgsl. */
const PART_UNIT = 64;
const LANES_WORKGROUP = 128;

/**
 * How many parts the keys before a row are cut into, none of them empty.
 *
 * @param position Keys before the row.
 * @param options Most parts, and the least keys of one.
 * @returns The parts, at least 1.
 */
export function partsAt(
  position: number,
  { maxParts, partKeys }: { maxParts: number; partKeys: number },
): number {
  // Two parts cost a dispatch more than one: they have to be worth it.
  const wanted = Math.min(maxParts, Math.floor(position / partKeys));
  if (wanted <= 1) return 1;
  const share = Math.ceil(position / wanted);
  const size = Math.ceil(share / PART_UNIT) * PART_UNIT;
  return Math.ceil(position / size);
}

/**
 * Compiles rotary embedding, KV write and attention of one row as one kernel:
 * what `createRope()` and `createAttention()` do for a batch. Long contexts are
 * cut into parts, which a second kernel adds up (flash decoding).
 *
 * @param scope The device and the owner of the parameters.
 * @param options The shape, the cache's type and the variant.
 * @returns The compiled kernel.
 * @throws {RangeError} If the head size is odd or too large.
 */
export async function createAttentionStep(
  { gpu, pool }: KernelScope,
  options: AttentionStepOptions,
): Promise<AttentionStep> {
  const { device } = gpu;
  const params = pool.uniform(attentionParams(options));
  const { heads, headDim, partKeys = 256 } = options;
  const full = gpu.info.isFallbackAdapter ? FULL.software : FULL.hardware;
  const { maxParts = Math.ceil(full / heads) } = options;
  const { variant = attentionStepVariants(gpu, headDim)[0]! } = options;
  const source = sourceOf(gpu, variant, options);
  const step = await compileKernel(gpu, source);
  const merge = await compileKernel(gpu, {
    label: "attention_reduce",
    code: [sharedCode, mergeCode],
    constants: { WORKGROUP_SIZE: workgroupSize(gpu) },
  });
  const partials = pool.create({
    label: "attention.partials",
    size: 16 * heads * maxParts * (1 + 2 * headOctets(headDim)),
  });
  return {
    bind({ qkv, table, k, v, y, batch }) {
      const group = bindBuffers(device, step, [
        ...[qkv, table, k, v, y, params, batch, partials],
      ]);
      const all = [partials, undefined, undefined, undefined, y, params];
      const mergeGroup = bindBuffers(device, merge, all);
      return (pass, position) => {
        const parts = partsAt(position, { maxParts, partKeys });
        pass.setPipeline(step);
        pass.setBindGroup(0, group);
        pass.dispatchWorkgroups(heads, parts);
        if (parts === 1) return;
        pass.setPipeline(merge);
        pass.setBindGroup(0, mergeGroup);
        pass.dispatchWorkgroups(heads);
      };
    },
  };
}

/** A variant's code. */
function sourceOf(
  gpu: Gpu,
  variant: AttentionStepVariant,
  { headDim, kv }: AttentionShape,
): CompileKernelOptions {
  const { code, writeCode } = KV_FORMATS[kv];
  const front = [code, writeCode, sharedCode, rotateCode, stepCode];
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
