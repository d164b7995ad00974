import { GpuMemoryError } from "../gpu/buffers.ts";
import type { Gpu } from "../gpu/gpu.ts";

/** Share of the free memory that may be used, as Deno has it for GPUs. */
const SHARE = 0.97;

/**
 * Refuses what a software adapter would run out of memory with.
 *
 * A GPU says so when a buffer is created. A software adapter is given as much
 * as it asks for, and the system ends the process when it is written to.
 *
 * @param gpu The device.
 * @param what What the memory is for, as errors call it.
 * @param bytes How much it takes.
 * @throws {GpuMemoryError} If it is a software adapter, and more is asked for
 * than is free.
 */
export function checkSystemMemory(
  { info }: Gpu,
  what: string,
  bytes: number,
): void {
  if (!info.isFallbackAdapter) return;
  const free = Math.min(systemMemory(), containerMemory());
  if (bytes > free * SHARE) throw new GpuMemoryError(what, bytes, 0);
}

/** Bytes that the system can give, `Infinity` where it does not say. */
function systemMemory(): number {
  try {
    return Deno.systemMemoryInfo().available;
  } catch {
    return Infinity; // not Deno, or not allowed to ask
  }
}

/** Bytes that a container (cgroup 2) has left, `Infinity` where there is none. */
function containerMemory(): number {
  try {
    const [most, used] = ["max", "current"].map((name) =>
      Number(Deno.readTextFileSync(`/sys/fs/cgroup/memory.${name}`))
    );
    return Number.isNaN(most) ? Infinity : most! - used!;
  } catch {
    return Infinity;
  }
}
