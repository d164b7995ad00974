/** Milliseconds in which a thread is gone, also where others want the CPU. */
const GONE_MS = 200;

const alive = new Set<Worker>();
let lastEnd = -Infinity;

/**
 * Starts a thread that runs `worker.ts`.
 *
 * @returns The worker, to be ended by {@linkcode endThread}.
 */
export function startThread(): Worker {
  // Once, however often it is said.
  globalThis.addEventListener("unload", endAll);
  const url = new URL("./worker.ts", import.meta.url);
  const worker = new Worker(url, { type: "module", name: "seraph" });
  alive.add(worker);
  return worker;
}

/**
 * Ends a thread at once, whatever it is at.
 *
 * @param worker Its worker.
 */
export function endThread(worker: Worker): void {
  if (!alive.delete(worker)) return;
  worker.terminate();
  lastEnd = performance.now();
}

/**
 * Ends all threads, and waits until they are gone: with its thread the way to the
 * driver goes, and a program that ends at that moment crashes, as the driver's
 * library is unloaded while the process runs what that wants to run at its end.
 */
function endAll(): void {
  for (const worker of alive) endThread(worker);
  const left = lastEnd + GONE_MS - performance.now();
  // Nothing tells of a thread's end, and nothing else can be waited for here.
  const never = new Int32Array(new SharedArrayBuffer(4));
  if (left > 0) Atomics.wait(never, 0, 0, left);
}
