import { MAX_STEPS } from "../kernels/batch.ts";
import type { Sequence } from "../model/sequence.ts";
import type { SpeculationStatistics } from "./tokens.ts";

/** Guesses what comes next. */
export interface Guesser {
  /**
   * Guesses the tokens behind all that are known.
   *
   * @param most Most tokens to guess.
   * @returns At most so many, none where there is no guess.
   */
  guess(most: number): Promise<number[]> | number[];
  /** Takes note of tokens that were chosen. */
  note(ids: readonly number[]): void;
}

/** Guesses of one pass, of which passes of 2, 4 and 8 rows are made. */
const LENGTHS = [1, 3, MAX_STEPS - 1];

/** Tries in a row that may fail, and tokens of a rest behind each from then on. */
const PATIENCE = 3;
const REST = 4;
const MAX_REST = 32;

/** Guesses tokens, and checks them with the model. */
export class Speculator {
  readonly #guesser: Guesser;
  readonly #statistics = { passes: 0, guessed: 0, accepted: 0 };
  /** Which of {@linkcode LENGTHS} is next: more where all were right. */
  #length = 1;
  /** Tries in a row without a right guess, and tokens until the next one. */
  #misses = 0;
  #rest = 0;

  /**
   * Creates a {@linkcode Speculator}.
   *
   * @param guesser Guesses.
   */
  constructor(guesser: Guesser) {
    this.#guesser = guesser;
  }

  /** How well guesses went so far. */
  get statistics(): SpeculationStatistics {
    return { ...this.#statistics };
  }

  /** Takes note of tokens that were chosen. */
  note(ids: readonly number[]): void {
    this.#guesser.note(ids);
    this.#rest = Math.max(0, this.#rest - ids.length);
  }

  /** Most tokens that the model may go on alone for, before a guess is due. */
  get rest(): number {
    return Math.max(1, this.#rest);
  }

  /**
   * Guesses the tokens behind the last one, and checks them.
   *
   * @param sequence The model's sequence.
   * @param options The last token that was chosen, which is not in it yet, and
   * how many are wanted.
   * @returns The tokens that were chosen, none where there was no guess.
   */
  async take(
    sequence: Sequence,
    { last, left }: { last: number; left: number },
  ): Promise<number[]> {
    if (this.#rest > 0) return [];
    // The token behind the guesses is chosen as well, and takes no room.
    const most = Math.min(LENGTHS[this.#length]!, left - 1, sequence.room - 1);
    const guesses = most > 0 ? await this.#guesser.guess(most) : [];
    if (guesses.length === 0) return this.#miss();
    const chosen = await sequence.check([last, ...guesses]);
    const accepted = chosen.length - 1;
    this.#statistics.passes++;
    this.#statistics.guessed += guesses.length;
    this.#statistics.accepted += accepted;
    if (accepted > 0) this.#misses = 0;
    else this.#miss();
    if (accepted === guesses.length) {
      this.#length = Math.min(this.#length + 1, LENGTHS.length - 1);
    } else if (2 * accepted < guesses.length) {
      this.#length = Math.max(this.#length - 1, 0);
    }
    return chosen;
  }

  /** Lets the model go on alone for a while, where guesses fail in a row. */
  #miss(): [] {
    this.#misses++;
    if (this.#misses >= PATIENCE) {
      this.#rest = REST * (this.#misses - PATIENCE + 1);
    }
    this.#rest = Math.min(this.#rest, MAX_REST);
    return [];
  }
}
