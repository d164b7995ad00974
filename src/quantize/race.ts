import { blockFormatByName } from "../gguf/formats.ts";
import { type QuantizeChunk, quantizeChunk } from "./chunk.ts";
import { Decoder } from "./decode.ts";
import { type GpuFormat, GpuPackError } from "./gpu_format.ts";

/** What packs a format, and why. */
export interface DeviceChoice {
  /** The format on the GPU; `undefined` where the CPU is to pack it. */
  readonly format: GpuFormat | undefined;
  /** Why that. */
  readonly reason: string;
  /** Weights a second, where both were measured. */
  readonly rates?: { readonly gpu: number; readonly cpu: number };
}

/** Weights that the CPU is measured on, about. */
const CPU_WEIGHTS = 2 ** 17;

/**
 * Measures what packs a chunk faster, each on what it has packed once before.
 *
 * @param format The GPU's way.
 * @param chunk Some rows, which the GPU packs whole.
 * @param workers Cores that the CPU's work is shared by.
 * @returns The faster one; the CPU where the bytes differ or the device fails.
 */
export async function race(
  format: GpuFormat,
  chunk: QuantizeChunk,
  workers: number,
): Promise<DeviceChoice> {
  const { columns } = chunk;
  const weightBytes = blockFormatByName(chunk.from)!.bytes;
  const weights = chunk.bytes.length / weightBytes;
  const part = columns *
    Math.min(weights / columns, Math.ceil(CPU_WEIGHTS / columns));
  const bytes = chunk.bytes.slice(0, part * weightBytes);
  const decoder = new Decoder();
  const onCpu = () => quantizeChunk({ ...chunk, bytes }, decoder);
  const onGpu = () => format.run(chunk);
  const [packed, cpuSeconds] = await timed(onCpu);
  let own: Uint8Array;
  let gpuSeconds: number;
  try {
    [own, gpuSeconds] = await timed(onGpu);
  } catch (error) {
    if (!(error instanceof GpuPackError)) throw error;
    return { format: undefined, reason: error.message };
  }
  if (packed.some((byte, i) => byte !== own[i])) {
    return { format: undefined, reason: "the GPU packs it to other bytes" };
  }
  const rates = {
    gpu: weights / gpuSeconds,
    cpu: part / cpuSeconds * Math.max(1, workers),
  };
  const isFaster = rates.gpu > rates.cpu;
  return {
    format: isFaster ? format : undefined,
    reason: "it is faster",
    rates,
  };
}

/** The result of the second run, and its seconds. */
async function timed<T>(run: () => Promise<T>): Promise<[T, number]> {
  await run();
  const start = performance.now();
  const result = await run();
  return [result, Math.max(1e-6, (performance.now() - start) / 1000)];
}
