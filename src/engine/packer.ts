import type { Packer } from "../model/upload.ts";
import { QuantizePool } from "../quantize/pool.ts";

/**
 * Starts what quantizes weights while they are loaded.
 *
 * @param signal Stops it.
 * @returns Workers, one a core; or this thread, where they may not be started.
 */
export function startPacker(
  signal: AbortSignal | undefined,
): Packer & Disposable {
  const workers = mayStartWorkers() ? navigator.hardwareConcurrency : 0;
  const pool = new QuantizePool({ workers, signal });
  return {
    ahead: 2 * workers,
    run: (rows) => pool.run(rows),
    [Symbol.dispose]: () => pool[Symbol.dispose](),
  };
}

/** A worker reads its modules anew, which Deno counts as reading files. */
function mayStartWorkers(): boolean {
  const path = new URL("../", import.meta.url);
  if (path.protocol !== "file:" || globalThis.Deno === undefined) return true;
  return Deno.permissions.querySync({ name: "read", path }).state === "granted";
}
