import type { Gpu } from "../gpu/gpu.ts";
import { createReadback } from "../gpu/readback.ts";

/** Records work into a pass, so many times. */
export type Recorder = (pass: GPUComputePassEncoder, count: number) => void;

/**
 * How time was taken: `"timestamps"` that the GPU writes before and after a pass,
 * or the wall clock from before a `"submits"` to its read-back.
 */
export type TimingMethod = "timestamps" | "submits";

/** Takes the time of work on the GPU. */
export interface Timer extends Disposable {
  /** How it does so. */
  readonly method: TimingMethod;
  /** Seconds that it measures where there is nothing to do. */
  readonly overhead: number;
  /**
   * Submits one pass and waits for it.
   *
   * @param record Records the work.
   * @param count How often it is to record it.
   * @returns Seconds, those of {@linkcode Timer.overhead} included.
   */
  time(record: Recorder, count: number): Promise<number>;
}

/** Options for {@linkcode createTimer}. */
export interface CreateTimerOptions {
  /** Work that the clocks are compared on. */
  load: Recorder;
  /** Whether to use timestamps where they are right. Defaults to `true`. */
  timestamps?: boolean | undefined;
}

/**
 * Creates the best timer that a device has.
 *
 * Runtimes and drivers differ in what a timestamp counts, so timestamps are used
 * only where they agree with the wall clock on how much longer more work takes.
 *
 * @param gpu The device.
 * @param options What to calibrate with.
 * @returns The timer; dispose of it to free its buffers.
 */
export async function createTimer(
  gpu: Gpu,
  options: CreateTimerOptions,
): Promise<Timer> {
  const { load, timestamps = true } = options;
  if (timestamps && gpu.device.features.has("timestamp-query")) {
    const timer = await createTimestampTimer(gpu);
    if (await agrees(timer, load)) return timer;
    timer[Symbol.dispose]();
  }
  return await createSubmitTimer(gpu);
}

/** Least seconds of the work that clocks are compared on. */
const CALIBRATION = 0.02;
/** Most times that it is recorded in one pass. */
const MOST = 4096;
/** An interruption is no reason to give the better clock up. */
const ATTEMPTS = 3;

/**
 * Whether a timer sees the same difference between some work and twice as much
 * as the wall clock does in the very same runs.
 *
 * @param timer The timer to examine.
 * @param load The work.
 * @returns Whether they agree to a quarter.
 */
export async function agrees(
  timer: Pick<Timer, "time">,
  load: Recorder,
): Promise<boolean> {
  const run = async (count: number) => {
    const start = performance.now();
    const measured = await timer.time(load, count);
    return { measured, wall: (performance.now() - start) / 1000 };
  };
  let count = 1;
  await run(count);
  while (count < MOST && (await run(count)).wall < CALIBRATION) count *= 2;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const [less, more] = [await run(count), await run(2 * count)];
    const ratio = (more.measured - less.measured) / (more.wall - less.wall);
    if (ratio > 0.8 && ratio < 1.25) return true;
  }
  return false;
}

async function fastest(
  timer: Pick<Timer, "time">,
  load: Recorder,
  count: number,
) {
  let least = Infinity;
  for (let i = 0; i < 3; i++) {
    least = Math.min(least, await timer.time(load, count));
  }
  return least;
}

/** A timer by the wall clock. */
export async function createSubmitTimer(gpu: Gpu): Promise<Timer> {
  const { device } = gpu;
  const source = device.createBuffer({
    label: "timer.source",
    size: 16,
    usage: GPUBufferUsage.COPY_SRC,
  });
  const readback = createReadback(device, { size: 16, sync: gpu.syncReadback });
  const time = async (record: Recorder, count: number) => {
    const encoder = device.createCommandEncoder({ label: "timer" });
    const pass = encoder.beginComputePass({ label: "timer" });
    record(pass, count);
    pass.end();
    encoder.copyBufferToBuffer(source, 0, readback.buffer, 0, 16);
    const commands = encoder.finish();
    const start = performance.now();
    device.queue.submit([commands]);
    await readback.read(16);
    return (performance.now() - start) / 1000;
  };
  return {
    method: "submits",
    overhead: await fastest({ time }, () => {}, 0),
    time,
    [Symbol.dispose]() {
      source.destroy();
      readback.buffer.destroy();
    },
  };
}

/** A timer by timestamps, which a device must have. */
export async function createTimestampTimer(gpu: Gpu): Promise<Timer> {
  const { device } = gpu;
  const querySet = device.createQuerySet({ type: "timestamp", count: 2 });
  const stamps = device.createBuffer({
    label: "timer.stamps",
    size: 16,
    usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
  });
  const readback = createReadback(device, { size: 16, sync: gpu.syncReadback });
  const time = async (record: Recorder, count: number) => {
    const encoder = device.createCommandEncoder({ label: "timer" });
    const pass = encoder.beginComputePass({
      label: "timer",
      timestampWrites: {
        querySet,
        beginningOfPassWriteIndex: 0,
        endOfPassWriteIndex: 1,
      },
    });
    record(pass, count);
    pass.end();
    encoder.resolveQuerySet(querySet, 0, 2, stamps, 0);
    encoder.copyBufferToBuffer(stamps, 0, readback.buffer, 0, 16);
    device.queue.submit([encoder.finish()]);
    const [begin, end] = new BigUint64Array(await readback.read(16));
    return Number(end! - begin!) / 1e9;
  };
  return {
    method: "timestamps",
    overhead: await fastest({ time }, () => {}, 0),
    time,
    [Symbol.dispose]() {
      querySet.destroy();
      stamps.destroy();
      readback.buffer.destroy();
    },
  };
}
