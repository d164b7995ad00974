import type { Gpu } from "../gpu/gpu.ts";
import {
  bindBuffers,
  compileKernel,
  grid,
  type KernelScope,
} from "../gpu/kernel.ts";
import dotCode from "./dot4.wgsl" with { type: "text" };
import fmaCode from "./fma.wgsl" with { type: "text" };
import streamCode from "./stream.wgsl" with { type: "text" };
import type { Recorder } from "./timer.ts";

/** A kernel that does one thing, as fast as it goes. */
export interface Load {
  /** Records it. */
  record: Recorder;
  /** Bytes or operations of one dispatch. */
  work: number;
}

/** Floating-point operations of an invocation; see the kernels. */
const CHAIN_FLOPS = { fma: 2 * 8192, dot4: 8 * 8192 };
const CHAIN_CODE = { fma: fmaCode, dot4: dotCode };
/** Invocations that fill a device; a software one has few lanes to fill. */
const CHAINS = { hardware: 2 ** 20, software: 2 ** 11 };
/** Bytes that a lane of the streaming kernel reads. */
export const LANE_BYTES = 16 * 16;

/**
 * Compiles arithmetic and nothing else, as much as fills the device.
 *
 * @param scope The device, and the owner of the output.
 * @param kind f32 multiply-adds, or dot products of four bytes.
 * @param WORKGROUP_SIZE A power of two.
 * @returns The kernel; its work is operations, two a multiply-add.
 */
export async function createChains(
  { gpu, pool }: KernelScope,
  kind: "fma" | "dot4",
  WORKGROUP_SIZE: number,
): Promise<Load> {
  const pipeline = await compileKernel(gpu, {
    label: `bench.${kind}`,
    code: [CHAIN_CODE[kind]],
    constants: { WORKGROUP_SIZE },
  });
  const y = pool.create({ label: "bench.y", size: 16 });
  await pool.check("the output of a benchmark");
  const invocations = CHAINS[
    gpu.info.isFallbackAdapter ? "software" : "hardware"
  ];
  return {
    record: recorder(gpu, pipeline, {
      buffers: [y],
      groups: Math.ceil(invocations / WORKGROUP_SIZE),
    }),
    work: CHAIN_FLOPS[kind] * invocations,
  };
}

/**
 * Compiles a kernel that reads a buffer once, in 16-byte words.
 *
 * @param scope The device, and the owner of the output.
 * @param x The buffer, whole multiples of `WORKGROUP_SIZE * LANE_BYTES`.
 * @param options Lanes of a workgroup, a power of two, and whether words that a
 * lane reads follow each other.
 * @returns The kernel; its work is bytes.
 */
export async function createStream(
  { gpu, pool }: KernelScope,
  x: GPUBuffer,
  { workgroup: WORKGROUP_SIZE, consecutive }: {
    workgroup: number;
    consecutive: boolean;
  },
): Promise<Load> {
  const pipeline = await compileKernel(gpu, {
    label: "bench.stream",
    code: [streamCode],
    constants: { WORKGROUP_SIZE, CONSECUTIVE: consecutive ? 1 : 0 },
  });
  const y = pool.create({ label: "bench.y", size: 4 * WORKGROUP_SIZE });
  await pool.check("the output of a benchmark");
  const groups = x.size / (WORKGROUP_SIZE * LANE_BYTES);
  return {
    record: recorder(gpu, pipeline, { buffers: [y, x], groups }),
    work: x.size,
  };
}

function recorder(
  { device }: Gpu,
  pipeline: GPUComputePipeline,
  { buffers, groups }: { buffers: GPUBuffer[]; groups: number },
): Recorder {
  const bound = bindBuffers(device, pipeline, buffers);
  const limit = device.limits.maxComputeWorkgroupsPerDimension;
  const [x, y] = grid(groups, limit);
  return (pass, count) => {
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bound);
    for (let i = 0; i < count; i++) pass.dispatchWorkgroups(x, y);
  };
}
