import { GpuMemoryError } from "../gpu/buffers.ts";
import type { Gpu } from "../gpu/gpu.ts";
import { nextTurn } from "../gpu/next_turn.ts";
import { createReadback, type Readback } from "../gpu/readback.ts";
import type { KvBuffers } from "./kv_buffers.ts";

/** The rows of a KV cache in the CPU's memory. */
export interface KvSnapshot {
  /** The tokens of the rows. */
  ids: readonly number[];
  /** How many of them ran as a prompt; the rest ran as steps. */
  promptLength: number;
  /** k, then v, of each layer, `[rows, kvHeads, words]`. */
  layers: readonly Uint8Array<ArrayBuffer>[];
}

/**
 * Reads the first rows of a cache, one layer in a turn of the event loop.
 *
 * @param gpu The device.
 * @param cache The cache.
 * @param bytes Bytes of those rows, in k as in v.
 * @returns k, then v, of each layer.
 * @throws {GpuMemoryError} If the GPU has no room for a layer's copy.
 */
export async function readKv(
  gpu: Gpu,
  { layers }: KvBuffers,
  bytes: number,
): Promise<Uint8Array<ArrayBuffer>[]> {
  if (bytes === 0) return layers.map(() => new Uint8Array());
  const { device } = gpu;
  const { buffer, read } = await createStaging(gpu, {
    size: 2 * bytes,
    allocated: layers.reduce((sum, { k, v }) => sum + k.size + v.size, 0),
  });
  try {
    const copies: Uint8Array<ArrayBuffer>[] = [];
    for (const { k, v } of layers) {
      const encoder = device.createCommandEncoder({ label: "read_kv" });
      encoder.copyBufferToBuffer(k, 0, buffer, 0, bytes);
      encoder.copyBufferToBuffer(v, 0, buffer, bytes, bytes);
      device.queue.submit([encoder.finish()]);
      copies.push(new Uint8Array(await read(2 * bytes)));
      await nextTurn();
    }
    return copies;
  } finally {
    buffer.destroy();
  }
}

/** Creates what a layer is read back to. */
async function createStaging(
  gpu: Gpu,
  { size, allocated }: { size: number; allocated: number },
): Promise<Readback> {
  const { device } = gpu;
  // The out-of-memory scope tells the cause; the other one only follows.
  device.pushErrorScope("validation");
  device.pushErrorScope("out-of-memory");
  let readback: Readback | undefined;
  let thrown: unknown;
  try {
    readback = createReadback(device, { size, sync: gpu.syncReadback });
  } catch (error) {
    thrown = error; // a mapping that has no room throws as well
  }
  const [memory, other] = await Promise.all([
    device.popErrorScope(),
    device.popErrorScope(),
  ]);
  if (readback !== undefined && memory === null && other === null) {
    return readback;
  }
  readback?.buffer.destroy();
  if (memory !== null || thrown instanceof RangeError) {
    throw new GpuMemoryError("a copy of a KV cache", size, { allocated });
  }
  const problem = other?.message ?? thrown;
  throw new Error(`Cannot copy a KV cache: ${problem}`, { cause: thrown });
}

/** Writes what {@linkcode readKv} has read to the first rows of a cache. */
export function writeKv(
  { device: { queue } }: Gpu,
  { layers }: KvBuffers,
  copies: readonly Uint8Array<ArrayBuffer>[],
): void {
  for (const [i, { k, v }] of layers.entries()) {
    const copy = copies[i]!;
    const half = copy.length / 2;
    if (half === 0) continue;
    queue.writeBuffer(k, 0, copy, 0, half);
    queue.writeBuffer(v, 0, copy, half, half);
  }
}

/** Copies the first rows of a cache to another one, on the GPU. */
export function copyKv(
  { device }: Gpu,
  { from, to, bytes }: { from: KvBuffers; to: KvBuffers; bytes: number },
): void {
  if (bytes === 0) return;
  const encoder = device.createCommandEncoder({ label: "copy_kv" });
  for (const [i, { k, v }] of from.layers.entries()) {
    encoder.copyBufferToBuffer(k, 0, to.layers[i]!.k, 0, bytes);
    encoder.copyBufferToBuffer(v, 0, to.layers[i]!.v, 0, bytes);
  }
  device.queue.submit([encoder.finish()]);
}
