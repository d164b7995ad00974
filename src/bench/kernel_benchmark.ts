import { type Gpu, requestGpu, type RequestGpuOptions } from "../gpu/gpu.ts";
import { type CaseOptions, type Cases, resolveCases } from "./cases.ts";
import { type Ceilings, measureCeilings, openTimer } from "./ceilings.ts";
import { MeasureError, measureShape } from "./measure.ts";
import type { VariantChoice } from "./products.ts";
import type { Timer } from "./timer.ts";
import { type KernelTiming, toTiming } from "./timing.ts";

/** Options for {@linkcode benchmarkKernels}. */
export interface KernelBenchmarkOptions extends CaseOptions, RequestGpuOptions {
  /**
   * Whether what is not given takes sizes for a software driver: a matrix of
   * 1024x1024, 64 columns at most, less time and less memory. Defaults to
   * `false`.
   */
  small?: boolean | undefined;
  /**
   * Whether only the kernel is measured that is taken untried, the fastest one
   * that tuning finds, or every one that the device has for a product. Defaults
   * to `"first"`.
   */
  variants?: VariantChoice | undefined;
  /** Most samples of a measurement, at least 1. Defaults to 20, or 5 if small. */
  repetitions?: number | undefined;
  /**
   * Seconds that the samples of a measurement may take, more than 0; three are
   * taken at least. Defaults to 0.1, or 0.03 if small.
   */
  seconds?: number | undefined;
  /**
   * Bytes of weights that dispatches rotate through, so that none finds its own
   * in a cache: as many sets as make them up, from 2 to 256. Defaults to 256 MiB,
   * or 32 MiB if small.
   */
  coldBytes?: number | undefined;
  /** Whether to use the GPU's timestamps where it has them. Defaults to `true`. */
  timestamps?: boolean | undefined;
  /** Stops the benchmark between two samples. */
  signal?: AbortSignal | undefined;
}

/** What is measured, complete. */
interface Plan extends Cases {
  repetitions: number;
  seconds: number;
  variants: VariantChoice;
  coldBytes: number;
  streamBytes: number;
  signal: AbortSignal | undefined;
}

/**
 * Measures the kernels that multiply weights, over every format and shape, on
 * random weights: no model is needed.
 *
 * Each result is checked before it is timed. A product that fails does not keep
 * others from being measured: it is told at the end.
 *
 * ```ts
 * import { benchmarkKernels } from "@seraph/seraph";
 *
 * const timings = benchmarkKernels({
 *   formats: ["Q4_0"],
 *   shapes: [{ inputs: 256, outputs: 64 }],
 *   small: true,
 * });
 * for await (const { format, columns, fileBytesPerSecond } of timings) {
 *   console.log(format, columns, `${fileBytesPerSecond / 1e9} GB/s`);
 * }
 * ```
 *
 * @param options What to measure, and for how long.
 * @returns An iterator of one or more results a format, shape and number of
 * columns, as they are done; leaving it frees all memory.
 * @throws {RangeError} If there is no such format, or a shape is none of it.
 * @throws {AggregateError} Last, if products were wrong or had no room.
 */
export async function* benchmarkKernels(
  options: KernelBenchmarkOptions = {},
): AsyncGenerator<KernelTiming, void, void> {
  const plan = makePlan(options);
  plan.signal?.throwIfAborted();
  const gpu = await requestGpu(options);
  try {
    using timer = await openTimer(gpu, options);
    const ceilings = await measureCeilings(gpu, { ...plan, timer });
    yield* measureAll(gpu, plan, { timer, ceilings });
  } finally {
    gpu.device.destroy();
  }
}

function makePlan(options: KernelBenchmarkOptions): Plan {
  const { small = false, variants = "first", signal } = options;
  const {
    repetitions = small ? 5 : 20,
    seconds = small ? 0.03 : 0.1,
    coldBytes = small ? 2 ** 25 : 2 ** 28,
  } = options;
  check("repetitions", repetitions, 1);
  check("seconds", seconds, 1e-6);
  check("coldBytes", coldBytes, 0);
  const streamBytes = small ? 2 ** 26 : 2 ** 29;
  const cases = resolveCases(options, small);
  return {
    ...cases,
    variants,
    repetitions,
    seconds,
    coldBytes,
    streamBytes,
    signal,
  };
}

function check(name: string, value: number, least: number): void {
  if (value >= least && value < Infinity) return;
  throw new RangeError(
    `Cannot benchmark: ${name} is ${value}, a number from ${least} on is wanted`,
  );
}

async function* measureAll(
  gpu: Gpu,
  plan: Plan,
  { timer, ceilings }: { timer: Timer; ceilings: Ceilings },
): AsyncGenerator<KernelTiming, void, void> {
  const problems: Error[] = [];
  for (const codec of plan.codecs) {
    for (const shape of plan.shapes) {
      const results = measureShape(gpu, { ...plan, codec, shape, timer });
      for await (const result of results) {
        if (result instanceof MeasureError) problems.push(result);
        else yield toTiming(result, { gpu, codec, shape, timer, ceilings });
      }
    }
  }
  if (problems.length === 0) return;
  throw new AggregateError(
    problems,
    `Cannot trust ${problems.length} of the kernels: ${
      problems.map(({ message }) => message).join("; ")
    }`,
  );
}
