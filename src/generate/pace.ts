import { MAX_CHUNK } from "../model/state.ts";

/** What a chunk of steps is to take, so that its tokens seem to flow. */
const CHUNK_MS = 20;

/** Options for {@linkcode Pace}. */
export interface PaceOptions {
  /** The number of steps, where it is not to be found out. */
  fixed?: number | undefined;
  /** Milliseconds that reading a chunk back takes besides. Defaults to 0. */
  overheadMs?: number;
}

/**
 * How many steps are computed before their tokens are read back: one at first,
 * then ever more, as long as a reader sees no gaps.
 */
export class Pace {
  readonly #fixed: number | undefined;
  readonly #overheadMs: number;
  #steps = 1;

  /**
   * Creates a {@linkcode Pace}.
   *
   * @param options What is known of the steps.
   */
  constructor({ fixed, overheadMs = 0 }: PaceOptions = {}) {
    this.#fixed = fixed;
    this.#overheadMs = overheadMs;
  }

  /** Steps of the next chunk. */
  get steps(): number {
    return this.#fixed ?? this.#steps;
  }

  /** Takes note of what a chunk of so many steps took. */
  note(steps: number, ms: number): void {
    const stepMs = Math.max(0, ms - this.#overheadMs) / steps;
    const fitting = Math.min(MAX_CHUNK, Math.floor(CHUNK_MS / stepMs));
    // Powers of two, so that few chunks are encoded ahead for nothing.
    const power = 2 ** Math.floor(Math.log2(Math.max(1, fitting)));
    this.#steps = Math.min(power, 2 * this.#steps);
  }
}
