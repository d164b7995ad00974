import { BufferPool } from "../gpu/buffers.ts";
import type { Gpu } from "../gpu/gpu.ts";
import { type KernelScope, workgroupSize } from "../gpu/kernel.ts";
import { randomFloats } from "../kernels/verify/inputs.ts";
import { createChains, createStream, LANE_BYTES, type Load } from "./loads.ts";
import { sample, type SampleOptions } from "./sample.ts";
import { createTimer, type Timer } from "./timer.ts";
import { fillBuffer } from "./weights.ts";

/** What a device can do at best, measured by kernels that do nothing else. */
export interface Ceilings {
  /** Bytes a second of 16-byte reads of a buffer larger than the caches. */
  streamBytesPerSecond: number;
  /** Floating-point operations a second of f32 multiply-adds, two each. */
  fmaFlopsPerSecond: number;
  /** Operations a second of `dot4I8Packed` with an addition, eight each. */
  dotFlopsPerSecond: number;
}

/** Options for {@linkcode measureCeilings}. */
export interface MeasureCeilingsOptions extends SampleOptions {
  /** Takes the time. */
  timer: Timer;
  /** Bytes of the buffer that is read; a binding may hold less. */
  streamBytes: number;
}

/**
 * Creates a timer that is calibrated on multiply-adds.
 *
 * @param gpu The device.
 * @param options Whether to use timestamps where they are right.
 * @returns The timer; dispose of it to free its buffers.
 */
export async function openTimer(
  gpu: Gpu,
  options: { timestamps?: boolean | undefined } = {},
): Promise<Timer> {
  using pool = new BufferPool(gpu.device);
  const { record } = await createChains(
    { gpu, pool },
    "fma",
    workgroupSize(gpu),
  );
  return await createTimer(gpu, { ...options, load: record });
}

/**
 * Measures the ceilings of a device: of each, the best of two workgroup sizes,
 * and of two ways to read.
 *
 * @param gpu The device.
 * @param options How, and how long for each.
 * @returns The medians.
 */
export async function measureCeilings(
  gpu: Gpu,
  options: MeasureCeilingsOptions,
): Promise<Ceilings> {
  using pool = new BufferPool(gpu.device);
  const scope = { gpu, pool };
  return {
    streamBytesPerSecond: await measureStream(gpu, options),
    fmaFlopsPerSecond: await best(
      gpu,
      options,
      (n) => createChains(scope, "fma", n),
    ),
    dotFlopsPerSecond: await best(
      gpu,
      options,
      (n) => createChains(scope, "dot4", n),
    ),
  };
}

/**
 * Measures how fast a device reads a buffer that no cache holds: the best of
 * two workgroup sizes and two ways to read.
 *
 * @param gpu The device.
 * @param options How, and how long for each.
 * @returns Bytes a second.
 * @throws {GpuMemoryError} If the GPU has no room for the buffer.
 */
export async function measureStream(
  gpu: Gpu,
  options: MeasureCeilingsOptions,
): Promise<number> {
  using pool = new BufferPool(gpu.device);
  const scope = { gpu, pool };
  const x = await createStreamBuffer(scope, options.streamBytes);
  let most = 0;
  for (const consecutive of [false, true]) {
    const rate = await best(
      gpu,
      options,
      (workgroup) => createStream(scope, x, { workgroup, consecutive }),
    );
    most = Math.max(most, rate);
  }
  return most;
}

/** The rate of some work in the better of two workgroup sizes. */
async function best(
  gpu: Gpu,
  options: MeasureCeilingsOptions,
  create: (workgroup: number) => Promise<Load>,
): Promise<number> {
  let most = 0;
  for (const workgroup of [workgroupSize(gpu), 256]) {
    const { record, work } = await create(workgroup);
    const { seconds } = await sample(options.timer, record, options);
    most = Math.max(most, work / seconds.median);
  }
  return most;
}

async function createStreamBuffer(
  { gpu: { device }, pool }: KernelScope,
  bytes: number,
): Promise<GPUBuffer> {
  const { maxBufferSize, maxStorageBufferBindingSize } = device.limits;
  const most = Math.min(bytes, maxBufferSize, maxStorageBufferBindingSize);
  // Whole workgroups of 256, and so of any smaller power of two.
  const group = 256 * LANE_BYTES;
  const size = Math.max(1, Math.floor(most / group)) * group;
  const x = pool.create({ label: "bench.stream", size });
  const source = pool.create({ label: "bench.source", size: 2 ** 20 });
  await pool.check("the streaming buffer");
  device.queue.writeBuffer(source, 0, randomFloats(source.size / 4, 1));
  fillBuffer(device, source, x);
  return x;
}
