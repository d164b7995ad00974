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

/** Guesses tokens, and checks them with the model. */
export class Speculator {
  readonly #guesser: Guesser;
  readonly #statistics = { passes: 0, guessed: 0, accepted: 0 };
  /** Which of {@linkcode LENGTHS} is next: more where all were right. */
  #length = 1;

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
  }

  /**
   * Guesses the tokens behind the last one, and checks them.
   *
   * @param sequence The model's sequence.
   * @param last The last token that was chosen, which is not in it yet.
   * @param left Tokens that are wanted.
   * @returns The tokens that were chosen, none where there was no guess.
   */
  async take(
    sequence: Sequence,
    last: number,
    left: number,
  ): Promise<number[]> {
    // The token behind the guesses is chosen as well, and takes no room.
    const most = Math.min(LENGTHS[this.#length]!, left - 1, sequence.room - 1);
    const guesses = most > 0 ? await this.#guesser.guess(most) : [];
    if (guesses.length === 0) return [];
    const chosen = await sequence.check([last, ...guesses]);
    const accepted = chosen.length - 1;
    this.#statistics.passes++;
    this.#statistics.guessed += guesses.length;
    this.#statistics.accepted += accepted;
    if (accepted === guesses.length) {
      this.#length = Math.min(this.#length + 1, LENGTHS.length - 1);
    } else if (2 * accepted < guesses.length) {
      this.#length = Math.max(this.#length - 1, 0);
    }
    return chosen;
  }
}
