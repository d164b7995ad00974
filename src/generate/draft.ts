import type { Sequence } from "../model/sequence.ts";
import { readSampling } from "./sampler.ts";
import type { Guesser } from "./speculate.ts";
import type { TokenOptions } from "./tokens.ts";

/** Guesses by asking a smaller model, which takes the most likely tokens. */
export class Draft implements Guesser {
  readonly #sequence: Sequence;
  readonly #ids: number[];
  readonly #signal: AbortSignal | undefined;
  /** The last guesses, and the tokens that were known before them. */
  #guesses: number[] = [];
  #known = Infinity;

  /**
   * Creates a {@linkcode Draft}.
   *
   * @param sequence A sequence of the draft model.
   * @param ids The prompt.
   * @param options Interruption, and whether what it shares is kept.
   */
  constructor(
    sequence: Sequence,
    ids: readonly number[],
    { signal, reuse = true }: Pick<TokenOptions, "signal" | "reuse">,
  ) {
    this.#sequence = sequence;
    this.#ids = [...ids];
    this.#signal = signal;
    sequence.rewind(reuse ? sequence.shared(ids) : 0);
    sequence.setChoice(readSampling());
  }

  /** Takes note of tokens that were chosen. */
  note(ids: readonly number[]): void {
    this.#ids.push(...ids);
  }

  /** Guesses the tokens behind all that are known. */
  async guess(most: number): Promise<number[]> {
    const sequence = this.#sequence;
    sequence.rewind(this.#agreed());
    const missing = this.#ids.slice(sequence.length);
    // The last one to be chosen takes no room.
    const count = Math.min(most, sequence.room - missing.length + 1);
    if (count < 1) return [];
    // At first the prompt is missing, later what was chosen behind the guesses.
    if (missing.length > 2) {
      const signal = this.#signal;
      await sequence.append(missing.splice(0, missing.length - 1), { signal });
    }
    this.#guesses = await sequence.steps(missing, { count, ahead: count });
    this.#known = this.#ids.length;
    return this.#guesses;
  }

  /** Tokens in the draft's cache that are those that were chosen. */
  #agreed(): number {
    let length = Math.min(this.#known, this.#sequence.length);
    for (const guess of this.#guesses) {
      if (length === this.#sequence.length) break;
      if (guess !== this.#ids[length]) break;
      length++;
    }
    return length;
  }
}
