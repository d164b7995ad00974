import { measureStream, openTimer } from "../bench/ceilings.ts";
import { GpuMemoryError } from "../gpu/buffers.ts";
import type { Gpu } from "../gpu/gpu.ts";
import { matrixBytes } from "../kernels/matrix.ts";
import { kvBytes } from "../model/kv_buffers.ts";
import type { Llama } from "../model/llama.ts";
import { matricesOf } from "../model/weights.ts";

/** What the tokens of a generation cost, each. */
export interface DecodeCost {
  /**
   * Bytes that a token reads at least: the weights as they lie on the GPU, and
   * the KV cache of the positions before it, of the mean token.
   */
  readBytes: number;
  /** `readBytes` by the median time of a token. */
  bytesPerSecond: number;
  /**
   * Bytes a second of streaming reads, which is the most that `bytesPerSecond`
   * can be; `undefined` where the GPU had no room left to measure it.
   */
  streamBytesPerSecond: number | undefined;
  /** `bytesPerSecond` by `streamBytesPerSecond`. */
  streamFraction: number | undefined;
  /** Milliseconds that the CPU encodes, finishes and submits, the median. */
  cpuMs: number;
}

/**
 * Bytes that a decode step reads at least.
 *
 * @param llama The model.
 * @param position Positions before the token.
 * @returns The weights as they lie on the GPU, and the KV cache.
 */
export function stepBytes(
  { weights, config, kv }: Pick<Llama, "weights" | "config" | "kv">,
  position: number,
): number {
  const matrices = matricesOf(weights);
  const weightBytes = matrices.reduce((sum, w) => sum + matrixBytes(w), 0);
  return weightBytes + kvBytes({ config, context: position, kv });
}

/**
 * Says what a measured token cost.
 *
 * @param llama The model.
 * @param measured Its position, its time, and what the device can do.
 * @returns The costs.
 */
export function decodeCost(
  llama: Pick<Llama, "weights" | "config" | "kv">,
  { position, seconds, ...measured }:
    & Pick<DecodeCost, "streamBytesPerSecond" | "cpuMs">
    & { position: number; seconds: number },
): DecodeCost {
  const { streamBytesPerSecond, cpuMs } = measured;
  const readBytes = stepBytes(llama, position);
  const bytesPerSecond = readBytes / seconds;
  return {
    readBytes,
    bytesPerSecond,
    streamBytesPerSecond,
    streamFraction: streamBytesPerSecond === undefined
      ? undefined
      : bytesPerSecond / streamBytesPerSecond,
    cpuMs,
  };
}

/** What is read to find out how fast reading is. */
const STREAM_BYTES = { software: 2 ** 26, hardware: 2 ** 29 } as const;

/**
 * Measures how fast a device reads, beside the model that it holds.
 *
 * @param gpu The device.
 * @param options Interruption.
 * @returns Bytes a second; `undefined` where the GPU has no room for it.
 */
export async function measureReads(
  gpu: Gpu,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<number | undefined> {
  const kind = gpu.info.isFallbackAdapter ? "software" : "hardware";
  using timer = await openTimer(gpu);
  try {
    return await measureStream(gpu, {
      timer,
      streamBytes: STREAM_BYTES[kind],
      repetitions: 5,
      seconds: 0.1,
      signal,
    });
  } catch (error) {
    if (error instanceof GpuMemoryError) return undefined;
    throw error;
  }
}
