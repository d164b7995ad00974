import type { Packer } from "../model/upload.ts";
import { QuantizePool } from "../quantize/pool.ts";
import { workerCount } from "../quantize/workers.ts";

/**
 * Starts what quantizes weights while they are loaded.
 *
 * @param signal Stops it.
 * @returns Workers; or this thread, where they may not be started.
 */
export function startPacker(
  signal: AbortSignal | undefined,
): Packer & Disposable {
  const workers = workerCount("load model");
  const pool = new QuantizePool({ workers, signal });
  return {
    ahead: 2 * workers,
    run: (rows) => pool.run(rows),
    [Symbol.dispose]: () => pool[Symbol.dispose](),
  };
}
