import { type BufferPool, floatBits } from "../gpu/buffers.ts";
import type { Gpu } from "../gpu/gpu.ts";
import {
  bindBuffers,
  type Binding,
  type BoundKernel,
  compileKernel,
  type KernelScope,
  workgroupSize,
} from "../gpu/kernel.ts";
import argmaxCode from "./argmax.wgsl" with { type: "text" };
import choiceCode from "./choice.wgsl" with { type: "text" };
import considerCode from "./consider.wgsl" with { type: "text" };
import fixedPointCode from "./fixed_point.wgsl" with { type: "text" };
import {
  NOT_A_NUMBER,
  notANumberError,
  type SampleRule,
} from "./sample_cpu.ts";
import raceCode from "./race.wgsl" with { type: "text" };
import code from "./sample.wgsl" with { type: "text" };

/** Stands for the ids behind a wrong guess. */
export const NONE = 0xffffffff;

/** What a sequence's sampler reads and keeps, allocated once. */
export interface SampleBuffers {
  /** The rule, uniform; see {@linkcode writeRule}. */
  readonly params: GPUBuffer;
  /** How often each token stands among the last ones, `[size]` u32. */
  readonly counts: GPUBuffer;
  /** How many tokens were noted, and the last ones, `[1 + context]` u32. */
  readonly recent: GPUBuffer;
  /** See `SampleRule.fines`, `[1 + context]` f32. */
  readonly fines: GPUBuffer;
}

/** Options for {@linkcode createSampleBuffers}. */
export interface SampleShape {
  /** Tokens to choose among. */
  size: number;
  /** Logits of a row, at least `size`. */
  stride: number;
  /** Most tokens that are penalized. */
  context: number;
}

/** Allocates what {@linkcode createSample} binds for one sequence. */
export function createSampleBuffers(
  pool: BufferPool,
  { size, context }: SampleShape,
): SampleBuffers {
  return {
    params: pool.create({
      label: "sample.params",
      size: 48,
      usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    }),
    counts: pool.create({ label: "sample.counts", size: 4 * size }),
    recent: pool.create({ label: "sample.recent", size: 4 * (1 + context) }),
    fines: pool.create({ label: "sample.fines", size: 4 * (1 + context) }),
  };
}

/** Options for {@linkcode writeRule}. */
export interface WriteRuleOptions {
  /** As the buffers were made. */
  shape: SampleShape;
  /** How tokens are chosen. */
  rule: SampleRule;
  /** Tokens that went before, of which the last ones count. Defaults to none. */
  history?: readonly number[];
  /** As for {@linkcode writeLane}. Defaults to 0. */
  lane?: number;
}

/**
 * Writes how the next tokens are chosen.
 *
 * @param device The device of the buffers.
 * @param buffers What is written.
 * @param options The rule.
 */
export function writeRule(
  { queue }: GPUDevice,
  { params, counts, recent, fines }: SampleBuffers,
  { shape: { size, stride, context }, rule, history = [], lane = 0 }:
    WriteRuleOptions,
): void {
  const lastN = Math.min(rule.lastN, context);
  const words = Uint32Array.of(
    size,
    stride,
    rule.seed,
    rule.topK,
    rule.topP,
    floatBits(rule.least),
    floatBits(rule.scale),
    lastN,
    floatBits(rule.repeat),
    floatBits(rule.inverseRepeat),
    0,
    lane,
  );
  queue.writeBuffer(params, 0, words);
  if (lastN === 0) return;
  const last = history.slice(-lastN);
  const counted = new Uint32Array(size);
  for (const id of last) counted[id]! += 1;
  queue.writeBuffer(counts, 0, counted);
  const noted = new Uint32Array(1 + last.length);
  noted[0] = last.length;
  noted.set(last, 1);
  queue.writeBuffer(recent, 0, noted);
  queue.writeBuffer(fines, 0, rule.fines, 0, lastN + 1);
}

/** Where {@linkcode writeLane} writes, in bytes. */
const LANE_OFFSET = 44;

/**
 * Writes which part of a batch the next tokens are chosen for.
 *
 * @param device The device of the buffers.
 * @param buffers What is written.
 * @param lane Where the part's control words begin, in words; 0 where the batch
 * is all of one part.
 */
export function writeLane(
  { queue }: GPUDevice,
  { params }: SampleBuffers,
  lane: number,
): void {
  queue.writeBuffer(params, LANE_OFFSET, Uint32Array.of(lane));
}

/** Buffers of a {@linkcode Sample}. */
export interface SampleBindings {
  /** `[rows, stride]` f32; penalties are taken off in place. */
  logits: Binding;
  /** The control words; see `state.ts`. */
  control: Binding;
  /** The ids that were chosen, u32. */
  chosen: Binding;
  /** The sequence's own. */
  own: SampleBuffers;
}

/** The choice of the next token on the GPU. */
export interface Sample {
  /** Binds the kernels to fixed buffers. */
  bind(bindings: SampleBindings): BoundSample;
}

/** The two kernels of a {@linkcode Sample}. */
export interface BoundSample {
  /** Takes the most likely token, whatever the rule. */
  readonly argmax: BoundKernel;
  /** Follows the rule. */
  readonly sample: BoundKernel;
}

/**
 * Compiles the choice of the next token, which becomes the input of the next
 * step: what `sampleOnCpu()` does.
 *
 * @param scope The device.
 * @returns The compiled kernels.
 */
export async function createSample({ gpu }: KernelScope): Promise<Sample> {
  const constants = { WORKGROUP_SIZE: lanesOf(gpu) };
  const [argmax, sample] = await Promise.all([
    compileKernel(gpu, {
      label: "argmax",
      code: [choiceCode, argmaxCode, considerCode],
      constants,
    }),
    compileKernel(gpu, {
      label: "sample",
      code: [choiceCode, fixedPointCode, raceCode, code, considerCode],
      constants,
    }),
  ]);
  const kernel = (
    pipeline: GPUComputePipeline,
    bindings: (Binding | undefined)[],
  ): BoundKernel => {
    const group = bindBuffers(gpu.device, pipeline, bindings);
    return (pass) => {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(1);
    };
  };
  return {
    bind({ logits, control, chosen, own }) {
      const { params, counts, recent, fines } = own;
      const common = [logits, control, chosen, params];
      return {
        argmax: kernel(argmax, common),
        sample: kernel(sample, [...common, counts, recent, fines]),
      };
    },
  };
}

// Of workgroup memory in sample.wgsl: of each lane, and of the rest at most.
const LANE_BYTES = 16;
const FIXED_BYTES = 3072;

/** One workgroup does it all: the largest there is, up to 1024. */
function lanesOf(gpu: Gpu): number {
  if (gpu.info.isFallbackAdapter) return workgroupSize(gpu);
  const { limits } = gpu.device;
  const memory = limits.maxComputeWorkgroupStorageSize - FIXED_BYTES;
  const most = Math.min(
    1024,
    limits.maxComputeInvocationsPerWorkgroup,
    limits.maxComputeWorkgroupSizeX,
    memory / LANE_BYTES,
  );
  return 2 ** Math.floor(Math.log2(most));
}

/**
 * The ids that were chosen, up to a wrong guess.
 *
 * @param chosen What the kernels wrote.
 * @returns The ids.
 * @throws {Error} If a logit was not a number.
 */
export function chosenIds(chosen: Uint32Array): number[] {
  const end = chosen.indexOf(NONE);
  const ids = [...(end < 0 ? chosen : chosen.subarray(0, end))];
  if (ids.includes(NOT_A_NUMBER)) throw notANumberError();
  return ids;
}
