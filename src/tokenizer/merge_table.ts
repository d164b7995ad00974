const NONE = -1;

/**
 * The merges of a byte-level vocabulary, by the two symbols that they join.
 *
 * A symbol is a number: the id of the token that has its text, or a number above
 * all ids where there is none. Open addressing over typed arrays, since a
 * vocabulary has some 300,000 merges, which a `Map` of pairs takes too long for.
 */
export class MergeTable {
  /** Text of each symbol. */
  readonly #texts: string[];
  readonly #symbols: Map<string, number>;
  /** Rank of the merge in each slot, `NONE` where it is empty. */
  readonly #slots: Int32Array;
  readonly #lefts: Int32Array; // [merges]
  readonly #rights: Int32Array; // [merges]
  /** What each merge makes, `NONE` until it was needed, `[merges]`. */
  readonly #results: Int32Array;

  /**
   * Creates a {@linkcode MergeTable}.
   *
   * @param tokens Each token's text, `[size]`.
   * @param merges The merges, best first, each a text, a space and a text.
   */
  constructor(tokens: readonly string[], merges: readonly string[]) {
    this.#texts = tokens.slice();
    this.#symbols = new Map();
    for (let id = 0; id < tokens.length; id++) {
      this.#symbols.set(tokens[id]!, id);
    }
    this.#slots = new Int32Array(slotCount(merges.length)).fill(NONE);
    this.#lefts = new Int32Array(merges.length);
    this.#rights = new Int32Array(merges.length);
    this.#results = new Int32Array(merges.length).fill(NONE);
    for (let rank = 0; rank < merges.length; rank++) {
      this.#add(merges[rank]!, rank);
    }
  }

  /**
   * Finds or makes the symbol of a text.
   *
   * @param text The text.
   * @returns Its symbol.
   */
  symbolOf(text: string): number {
    const known = this.#symbols.get(text);
    if (known !== undefined) return known;
    const symbol = this.#texts.push(text) - 1;
    this.#symbols.set(text, symbol);
    return symbol;
  }

  /** Finds the symbol of a text, where there is one. */
  find(text: string): number | undefined {
    return this.#symbols.get(text);
  }

  /** The text of a symbol. */
  textOf(symbol: number): string {
    return this.#texts[symbol]!;
  }

  /**
   * Finds the merge of two symbols.
   *
   * @param left The left symbol.
   * @param right The right symbol.
   * @returns Its rank, the lowest being the best, or -1 where there is none.
   */
  rankOf(left: number, right: number): number {
    const rank = this.#slots[this.#slotOf(left, right)]!;
    return rank;
  }

  /**
   * What a merge makes.
   *
   * @param rank The merge's rank.
   * @returns The symbol.
   */
  resultOf(rank: number): number {
    const known = this.#results[rank]!;
    if (known !== NONE) return known;
    const text = this.textOf(this.#lefts[rank]!) +
      this.textOf(this.#rights[rank]!);
    return this.#results[rank] = this.symbolOf(text);
  }

  #add(merge: string, rank: number): void {
    // Texts have no spaces, but the left one of a broken file could begin so.
    const space = merge.indexOf(" ", 1);
    if (space < 0) return;
    const left = this.symbolOf(merge.slice(0, space));
    const right = this.symbolOf(merge.slice(space + 1));
    const slot = this.#slotOf(left, right);
    if (this.#slots[slot] !== NONE) return; // the first of two alike counts
    this.#slots[slot] = rank;
    this.#lefts[rank] = left;
    this.#rights[rank] = right;
  }

  /** The slot that has the merge of two symbols, else the empty one for it. */
  #slotOf(left: number, right: number): number {
    const mask = this.#slots.length - 1;
    const mixed = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
    let slot = (mixed ^ mixed >>> 15) & mask;
    for (let rank = this.#slots[slot]!; rank !== NONE;) {
      if (this.#lefts[rank] === left && this.#rights[rank] === right) break;
      slot = (slot + 1) & mask;
      rank = this.#slots[slot]!;
    }
    return slot;
  }
}

/** A power of two that leaves at least half of the slots empty. */
function slotCount(merges: number): number {
  let count = 16;
  while (count < 2 * merges) count *= 2;
  return count;
}
