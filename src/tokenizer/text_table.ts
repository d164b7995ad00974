const NONE = -1;

/**
 * Numbers of texts, found also by a part of a longer text, which need not be cut
 * out for it. Open addressing: a `Map` takes a multiple of the time to look up
 * the halves of some 300,000 merges, all of them new strings to it.
 */
export class TextTable {
  readonly #texts: string[] = [];
  /** Hash of each text. */
  readonly #hashes: number[] = [];
  /** Number of the text in each slot, `NONE` where it is empty. */
  #slots: Int32Array;

  /**
   * Creates a {@linkcode TextTable}.
   *
   * @param texts The texts, numbered from 0. The last of several alike is found.
   */
  constructor(texts: readonly string[]) {
    this.#slots = new Int32Array(slotCount(texts.length)).fill(NONE);
    for (const text of texts) this.add(text);
  }

  /** The text of a number. */
  textOf(number: number): string {
    return this.#texts[number]!;
  }

  /** The hash of a number's text; see {@linkcode hashOf}. */
  hashOf(number: number): number {
    return this.#hashes[number]!;
  }

  /**
   * Finds the number of a text.
   *
   * @param text A text that has it as a part.
   * @param start Where the part starts. Defaults to the start.
   * @param end Where the part ends. Defaults to the end.
   * @returns The number, or -1 where there is none.
   */
  find(text: string, start: number = 0, end: number = text.length): number {
    return this.#slots[this.#slotOf(text, start, end)]!;
  }

  /**
   * Adds a text.
   *
   * @param text The text.
   * @returns Its number.
   */
  add(text: string): number {
    const number = this.#texts.push(text) - 1;
    this.#hashes.push(hashOf(text, 0, text.length));
    if (2 * number >= this.#slots.length) this.#grow();
    this.#slots[this.#slotOf(text, 0, text.length)] = number;
    return number;
  }

  /** The slot that has a text, else the empty one for it. */
  #slotOf(text: string, start: number, end: number): number {
    const hash = hashOf(text, start, end);
    const mask = this.#slots.length - 1;
    let slot = slotOfHash(hash, mask);
    for (let number = this.#slots[slot]!; number !== NONE;) {
      if (
        this.#hashes[number] === hash &&
        this.#texts[number]!.length === end - start &&
        text.startsWith(this.#texts[number]!, start)
      ) {
        break;
      }
      slot = (slot + 1) & mask;
      number = this.#slots[slot]!;
    }
    return slot;
  }

  #grow(): void {
    this.#slots = new Int32Array(2 * this.#slots.length).fill(NONE);
    const last = this.#texts.length - 1; // which is not in yet
    for (let number = 0; number < last; number++) {
      const text = this.#texts[number]!;
      this.#slots[this.#slotOf(text, 0, text.length)] = number;
    }
  }
}

/**
 * How many slots a table needs for its searches to be short.
 *
 * @param entries How many entries it holds.
 * @returns A power of two, at least twice as many.
 */
export function slotCount(entries: number): number {
  let count = 16;
  while (count < 2 * entries) count *= 2;
  return count;
}

const MULTIPLIER = 0x01000193;

/**
 * Hashes a text: a polynomial over its UTF-16 units, modulo 2^32, so that
 * {@linkcode joinHashes} knows the hash of two texts from theirs.
 *
 * @param text A text that has it as a part.
 * @param start Where the part starts.
 * @param end Where the part ends.
 * @returns The hash, a 32-bit integer.
 */
export function hashOf(
  text: string,
  start: number = 0,
  end: number = text.length,
): number {
  let hash = 0;
  for (let i = start; i < end; i++) {
    hash = Math.imul(hash, MULTIPLIER) + text.charCodeAt(i) | 0;
  }
  return hash;
}

/**
 * The hash of two texts, one behind the other.
 *
 * @param left The hash of the left one.
 * @param right The hash of the right one.
 * @param rightLength The length of the right one, in UTF-16 units.
 * @returns The hash of both.
 */
export function joinHashes(
  left: number,
  right: number,
  rightLength: number,
): number {
  let shifted = left;
  let power = MULTIPLIER;
  for (let length = rightLength; length > 0; length >>>= 1) {
    if ((length & 1) === 1) shifted = Math.imul(shifted, power);
    power = Math.imul(power, power);
  }
  return shifted + right | 0;
}

/**
 * The slot at which a search starts: low bits of a hash are those of the last
 * characters alone, so that upper ones are mixed into them.
 *
 * @param hash The hash of a text.
 * @param mask The number of slots, a power of two, less one.
 * @returns The slot.
 */
export function slotOfHash(hash: number, mask: number): number {
  const mixed = Math.imul(hash ^ hash >>> 15, 0x2c1b3c6d);
  return (mixed ^ mixed >>> 13) & mask;
}
