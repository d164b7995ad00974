import type { Generation, Model } from "../mod.ts";

/**
 * Watches the workers that are started while `fn` runs.
 *
 * @param fn What starts them.
 * @returns Of each worker in order, whether it was ended; this goes on being told
 * when `fn` is done.
 */
export async function watchWorkers(
  fn: () => Promise<unknown>,
): Promise<readonly boolean[]> {
  const ended: boolean[] = [];
  const { Worker } = globalThis;
  globalThis.Worker = class extends Worker {
    readonly #index = ended.push(false) - 1;

    override terminate(): void {
      ended[this.#index] = true;
      super.terminate();
    }
  };
  try {
    await fn();
  } finally {
    globalThis.Worker = Worker;
  }
  return ended;
}

/** Everything that does not depend on the clock. */
export async function outcome(generation: Generation) {
  const pieces = await Array.fromAsync(generation);
  const { timings, ...result } = await generation.result();
  if (!(timings.prefillMs > 0)) throw new Error("It took no time");
  return { pieces, ...result };
}

/** A signal that aborts after so many milliseconds. */
export function abortedAt(ms: number, reason: unknown): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(reason), ms);
  return controller.signal;
}

/** What does not change as a model runs. */
export function factsOf(model: Model) {
  const { config, contextLength, device, gpuBytes, kernels } = model;
  return { config, contextLength, device, gpuBytes, kernels };
}
