import { type Distribution, summarize } from "./statistics.ts";
import type { Recorder, Timer } from "./timer.ts";

/** How long to measure. */
export interface SampleOptions {
  /** Most samples. */
  repetitions: number;
  /** Seconds that all samples together may take; three are taken at least. */
  seconds: number;
  /** Stops between two samples. */
  signal?: AbortSignal | undefined;
}

/** Times of some work. */
export interface Samples {
  /** Seconds of doing the work once. */
  seconds: Distribution;
  /** Samples taken. */
  samples: number;
  /** How often each sample does the work, in one pass. */
  dispatches: number;
}

const LEAST_SAMPLES = 3;
/** Most times in one pass: recording them takes the CPU some milliseconds. */
const MOST_DISPATCHES = 2048;
/** What the timer itself takes must be lost in what it measures. */
const OVERHEADS = 20;

/**
 * Measures some work after a warm-up, again and again.
 *
 * Short work is done many times a sample: until a sample takes its share of the
 * time, and many times what the timer itself takes. Nothing is subtracted.
 *
 * @param timer Takes the time.
 * @param record Records the work.
 * @param options How long to measure.
 * @returns The time of doing the work once.
 * @throws The reason of `signal` when it aborts.
 */
export async function sample(
  timer: Timer,
  record: Recorder,
  options: SampleOptions,
): Promise<Samples> {
  const { repetitions, seconds, signal } = options;
  const time = async (count: number) => {
    await pause();
    signal?.throwIfAborted();
    return await timer.time(record, count);
  };
  await time(1); // compiles what the driver left over, brings pages in
  const wanted = Math.max(seconds / repetitions, OVERHEADS * timer.overhead);
  let dispatches = 1;
  let once = await time(1);
  // The first estimates are the worst: each is good for the next, larger one.
  while (once < wanted / 2 && dispatches < MOST_DISPATCHES) {
    const factor = Math.min(8, Math.max(2, Math.floor(wanted / once)));
    dispatches = Math.min(MOST_DISPATCHES, dispatches * factor);
    once = await time(dispatches);
  }
  const samples = Math.max(
    LEAST_SAMPLES,
    Math.min(repetitions, Math.floor(seconds / once)),
  );
  const times: number[] = [];
  for (let i = 0; i < samples; i++) {
    times.push(await time(dispatches) / dispatches);
  }
  return { seconds: summarize(times), samples, dispatches };
}

/**
 * Lets a Ctrl-C arrive. In the turns of `setImmediate` Deno has been seen to
 * overlook signals for seconds where each turn waits for the GPU.
 */
function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
