import type { Guesser } from "./speculate.ts";

/** Tokens that are looked for, the most first. */
const LENGTHS = [4, 3, 2];

/**
 * Guesses by looking for the last tokens in the text before them: what came
 * behind them then may come again (prompt lookup decoding, Saxena 2023).
 */
export class Lookup implements Guesser {
  readonly #ids: number[] = [];
  /** Where the tokens behind each few tokens begin, the last place, by hash. */
  readonly #places = LENGTHS.map(() => new Map<number, number>());

  /**
   * Creates a {@linkcode Lookup}.
   *
   * @param ids The prompt.
   */
  constructor(ids: readonly number[]) {
    this.note(ids);
  }

  /** Takes note of tokens. */
  note(ids: readonly number[]): void {
    for (const id of ids) {
      // The tokens before it are followed by it.
      for (const [i, length] of LENGTHS.entries()) {
        if (this.#ids.length < length) continue;
        this.#places[i]!.set(this.#hash(length), this.#ids.length);
      }
      this.#ids.push(id);
    }
  }

  /** Guesses the tokens behind all that are known. */
  guess(most: number): number[] {
    for (const [i, length] of LENGTHS.entries()) {
      if (this.#ids.length < length) continue;
      const place = this.#places[i]!.get(this.#hash(length));
      if (place === undefined || !this.#isRepeated(place, length)) continue;
      return this.#from(place, most);
    }
    return [];
  }

  /** A hash of the last few tokens. */
  #hash(length: number): number {
    let hash = 0;
    for (let i = this.#ids.length - length; i < this.#ids.length; i++) {
      hash = Math.imul(hash ^ this.#ids[i]!, 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    return hash;
  }

  /** Whether the last few tokens stand before a place as well. */
  #isRepeated(place: number, length: number): boolean {
    for (let i = 1; i <= length; i++) {
      if (this.#ids.at(-i) !== this.#ids[place - i]) return false;
    }
    return true;
  }

  /** The tokens from a place on; those past the end go round once more. */
  #from(place: number, count: number): number[] {
    const period = this.#ids.length - place;
    return Array.from(
      { length: count },
      (_, i) => this.#ids[place + i % period]!,
    );
  }
}
