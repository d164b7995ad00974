import { MAX_CHUNK } from "../model/state.ts";

/** What a chunk of steps is to take, so that its tokens seem to flow. */
const CHUNK_MS = 25;

/**
 * How many steps are computed before their tokens are read back: one at first,
 * then ever more, as long as a reader sees no gaps.
 */
export class Pace {
  readonly #fixed: number | undefined;
  #steps = 1;

  /**
   * Creates a {@linkcode Pace}.
   *
   * @param fixed The number of steps, where it is not to be found out.
   */
  constructor(fixed?: number) {
    this.#fixed = fixed;
  }

  /** Steps of the next chunk. */
  get steps(): number {
    return this.#fixed ?? this.#steps;
  }

  /** Takes note of what a chunk of so many steps took. */
  note(steps: number, ms: number): void {
    const fitting = Math.floor(CHUNK_MS / (ms / steps));
    // Powers of two, so that few chunks are encoded ahead for nothing.
    const power = 2 ** Math.floor(Math.log2(Math.max(1, fitting)));
    this.#steps = Math.min(power, 2 * this.#steps, MAX_CHUNK);
  }
}
