import { GpuMemoryError } from "../gpu/buffers.ts";
import type { Gpu } from "../gpu/gpu.ts";

/** Share of the free memory that may be used, as Deno has it for GPUs. */
export const USABLE_SHARE = 0.97;

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
  const free = freeMemory();
  if (bytes > free * USABLE_SHARE) {
    throw new GpuMemoryError(what, bytes, { free });
  }
}

/** Bytes that a program can still have, `Infinity` where nothing says. */
export function freeMemory(): number {
  return Math.min(systemMemory(), containerMemory());
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
    const read = (name: string) =>
      Deno.readTextFileSync(`/sys/fs/cgroup/memory.${name}`);
    const most = Number(read("max"));
    if (Number.isNaN(most)) return Infinity; // "max"
    // What files have left in the cache counts as used, and is given up.
    const cache = read("stat").matchAll(/^(?:in)?active_file (\d+)$/gm)
      .reduce((sum, [, bytes]) => sum + Number(bytes), 0);
    return most - Number(read("current")) + cache;
  } catch {
    return Infinity;
  }
}
