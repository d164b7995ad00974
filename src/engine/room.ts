import { BufferPool, GpuMemoryError } from "../gpu/buffers.ts";
import type { Gpu } from "../gpu/gpu.ts";
import type { MemoryPlan } from "./plan.ts";

/** Bytes of a buffer on trial. */
const TRIAL_BYTES = 256 * 2 ** 20;

/**
 * Asks a GPU for all that a plan takes, and gives it back: how much is free no
 * GPU says otherwise, and by the rule of Deno (97 % of what the driver reports)
 * it is refused here as it would be later.
 *
 * @param gpu The device.
 * @param plan The plan.
 * @returns Whether there was room.
 */
export async function hasRoom(
  gpu: Gpu,
  { peakBytes, models }: MemoryPlan,
): Promise<boolean> {
  const { limitBytes } = models[0]!.largest;
  const size = Math.min(TRIAL_BYTES, limitBytes - limitBytes % 16);
  using pool = new BufferPool(gpu.device);
  try {
    for (let rest = peakBytes; rest > 0; rest -= size) {
      pool.create({ label: "trial", size: Math.min(rest, size) });
    }
    await pool.check("a trial");
    return true;
  } catch (error) {
    if (error instanceof GpuMemoryError) return false;
    throw error;
  } finally {
    pool[Symbol.dispose]();
    // What is destroyed is freed by what is submitted next.
    gpu.device.queue.submit([]);
  }
}
