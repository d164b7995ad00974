import type { Sequence } from "../model/sequence.ts";
import { Pace } from "./pace.ts";
import type { StepQueue } from "./step_queue.ts";

/** Milliseconds that Deno takes for a read-back that has to be awaited. */
const AWAITED_MS = 11;

/** Takes chunks of steps, each encoded while the one before it runs. */
export class Stepper {
  readonly #queue: StepQueue;
  readonly #sequence: Sequence;
  readonly #pace: Pace;
  /** Steps that are encoded already. */
  #ahead = 0;

  /**
   * Creates a {@linkcode Stepper}.
   *
   * @param queue Where others ask for steps as well.
   * @param sequence What it runs on.
   * @param steps Steps of a chunk, where they are not to be found out.
   */
  constructor(queue: StepQueue, sequence: Sequence, steps?: number) {
    this.#queue = queue;
    this.#sequence = sequence;
    this.#pace = new Pace({
      fixed: steps,
      overheadMs: sequence.isAwaited ? AWAITED_MS : 0,
    });
  }

  /**
   * Takes as many steps as seem good.
   *
   * @param last The last token that was chosen.
   * @param left Tokens that are wanted.
   * @returns The tokens that were chosen.
   */
  async take(last: number, left: number): Promise<number[]> {
    // What is encoded is taken, also where the pace has changed meanwhile.
    const count = Math.min(this.#ahead || this.#pace.steps, left);
    this.#ahead = Math.min(this.#pace.steps, left - count);
    const start = performance.now();
    const chosen = await this.#queue.take({
      sequence: this.#sequence,
      id: last,
      count,
      ahead: this.#ahead,
    });
    this.#pace.note(chosen.length, performance.now() - start);
    return chosen;
  }
}
