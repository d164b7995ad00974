import type { Gpu } from "../gpu/gpu.ts";
import type { RowKind } from "../kernels/batch.ts";
import type { Codec } from "../kernels/quant/codec.ts";
import { fileBytes, type KernelShape, leastTraffic } from "./cases.ts";
import type { Ceilings } from "./ceilings.ts";
import type { Measured } from "./measure.ts";
import type { Activations } from "../kernels/choices.ts";
import type { Distribution } from "./statistics.ts";
import type { Timer, TimingMethod } from "./timer.ts";

/** The time of one product, by one kernel. */
export interface KernelTiming {
  /** The driver's description of the device. */
  device: string;
  /** The weight format, by ggml's name. */
  format: string;
  /** Weights in a row. */
  inputs: number;
  /** Rows of weights. */
  outputs: number;
  /** Vectors that the weights are multiplied with. */
  columns: number;
  /** Whether the kernel is that of decode steps or that of prompts. */
  kind: RowKind;
  /** What the kernel multiplies the weights with. */
  activations: Activations;
  /** Which of several kernels for the same product it is. */
  variant: string;
  /** Seconds of one product, distributed over the samples. */
  seconds: Distribution;
  /** Samples taken. */
  samples: number;
  /**
   * Products in a sample. Each has its own weights and mostly its own output, so
   * that the end of one overlaps with the beginning of the next.
   */
  dispatches: number;
  /** Sets of weights that the products rotate through. */
  sets: number;
  /** How time was taken. */
  timing: TimingMethod;
  /** Bytes of the weights in a GGUF file. */
  fileBytes: number;
  /** Bytes of the weights as they lie on the GPU, which is what is read. */
  gpuBytes: number;
  /** `fileBytes` by the median of the seconds. */
  fileBytesPerSecond: number;
  /** `gpuBytes` by the median of the seconds. */
  gpuBytesPerSecond: number;
  /** Two operations a weight and column, by the median of the seconds. */
  flopsPerSecond: number;
  /** `fileBytesPerSecond` by the ceiling of streaming reads. */
  streamFraction: number;
  /** `gpuBytesPerSecond` by the ceiling of streaming reads. */
  gpuStreamFraction: number;
  /**
   * `flopsPerSecond` by the ceiling of f32 multiply-adds, or of `dot4I8Packed`
   * where activations are int8.
   */
  arithmeticFraction: number;
  /**
   * Arithmetic intensity: operations by the bytes that move at least, which are
   * the file's weights, and input and output in f32.
   */
  flopsPerByte: number;
  /** Normalised mean squared error of the product, which was checked. */
  error: number;
  /** What the device can do at best, measured in the same run. */
  ceilings: Ceilings;
}

/**
 * Says what a measurement means: rates, and fractions of the ceilings.
 *
 * @param measured The measurement.
 * @param context What was measured, where and how.
 * @returns The timing.
 */
export function toTiming(
  measured: Measured,
  { gpu: { info }, codec, shape, timer, ceilings }: {
    gpu: Pick<Gpu, "info">;
    codec: Codec;
    shape: KernelShape;
    timer: Pick<Timer, "method">;
    ceilings: Ceilings;
  },
): KernelTiming {
  const { columns, kind, variant, activations, gpuBytes } = measured;
  const { seconds, samples, dispatches, sets, error } = measured;
  const { streamBytesPerSecond, fmaFlopsPerSecond, dotFlopsPerSecond } =
    ceilings;
  const bytes = fileBytes(codec, shape);
  const flops = 2 * shape.inputs * shape.outputs * columns;
  const second = seconds.median;
  const peak = activations === "int8" ? dotFlopsPerSecond : fmaFlopsPerSecond;
  return {
    device: info.description || info.vendor,
    format: codec.name,
    ...shape,
    columns,
    kind,
    activations,
    variant,
    seconds,
    samples,
    dispatches,
    sets,
    timing: timer.method,
    fileBytes: bytes,
    gpuBytes,
    fileBytesPerSecond: bytes / second,
    gpuBytesPerSecond: gpuBytes / second,
    flopsPerSecond: flops / second,
    streamFraction: bytes / second / streamBytesPerSecond,
    gpuStreamFraction: gpuBytes / second / streamBytesPerSecond,
    arithmeticFraction: flops / second / peak,
    flopsPerByte: flops / leastTraffic(codec, shape, columns),
    error,
    ceilings,
  };
}
