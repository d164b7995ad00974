import { nextTurn } from "../gpu/next_turn.ts";
import { MAX_STEPS } from "../kernels/batch.ts";
import type { Sequence } from "../model/sequence.ts";
import type { StepBatch } from "../model/step_batch.ts";

/** What a generation asks for. */
export interface StepRequest {
  /** Its sequence. */
  sequence: Sequence;
  /** The last token that was chosen. */
  id: number;
  /** How many tokens to choose at most. */
  count: number;
  /** How many will be wanted next, as far as is known. */
  ahead: number;
}

interface Waiting extends StepRequest {
  outcome: PromiseWithResolvers<number[]>;
}

/** Milliseconds that those who ask wait for those who go on as well. */
const GRACE_MS = 1;

/**
 * Puts the steps of generations that run at the same time together. One that
 * runs alone goes on as if there were no queue.
 */
export class StepQueue {
  readonly #batch: () => Promise<StepBatch>;
  readonly #waiting: Waiting[] = [];
  #members = 0;
  #running = false;
  #isBroken = false;

  /**
   * Creates a {@linkcode StepQueue}.
   *
   * @param batch Makes steps of several sequences possible, at the first ones.
   * Where it fails, each goes on as if it were alone, from then on.
   */
  constructor(batch: () => Promise<StepBatch>) {
    this.#batch = batch;
  }

  /**
   * Enters a generation that takes steps from now on.
   *
   * @returns Takes it out again.
   */
  enter(): Disposable {
    this.#members++;
    return { [Symbol.dispose]: () => void this.#members-- };
  }

  /**
   * Takes steps of one generation.
   *
   * @param request Its sequence and how many tokens to choose.
   * @returns The tokens that were chosen, at least one.
   */
  take(request: StepRequest): Promise<number[]> {
    if (this.#isBroken || this.#members <= 1 && !this.#running) {
      const { sequence, id, count, ahead } = request;
      return sequence.steps([id], { count, ahead });
    }
    const outcome = Promise.withResolvers<number[]>();
    this.#waiting.push({ ...request, outcome });
    if (!this.#running) this.#run();
    return outcome.promise;
  }

  /** Runs what waits, and what has come meanwhile; never rejects. */
  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) {
      await this.#gather();
      const requests = this.#waiting.splice(0, MAX_STEPS);
      try {
        const chosen = await this.#steps(requests);
        for (const [i, { outcome }] of requests.entries()) {
          const ids = chosen[i]!;
          if (ids instanceof Error) outcome.reject(ids);
          else outcome.resolve(ids);
        }
      } catch (error) {
        for (const { outcome } of requests) outcome.reject(error);
      }
    }
    this.#running = false;
  }

  /** Waits a little until all ask that are likely to. */
  async #gather(): Promise<void> {
    const end = performance.now() + GRACE_MS;
    do {
      await nextTurn();
      const most = Math.min(this.#members, MAX_STEPS);
      if (this.#waiting.length >= most) return;
    } while (performance.now() < end);
  }

  async #steps(requests: readonly Waiting[]): Promise<(number[] | Error)[]> {
    const batch = requests.length === 1 ? undefined : await this.#open();
    if (batch === undefined) return await Promise.all(requests.map(stepAlone));
    const count = Math.min(...requests.map(({ count }) => count));
    return await batch.run(requests, count);
  }

  /** What steps several at once, where that is possible. */
  async #open(): Promise<StepBatch | undefined> {
    if (this.#isBroken) return undefined;
    try {
      return await this.#batch();
    } catch {
      // It is faster, and no more: what comes of a step is the same.
      this.#isBroken = true;
      return undefined;
    }
  }
}

async function stepAlone(
  { sequence, id, count }: Waiting,
): Promise<number[] | Error> {
  try {
    return await sequence.steps([id], { count });
  } catch (error) {
    return error as Error; // the others go on
  }
}
