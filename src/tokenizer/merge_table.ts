import { slotCount, TextTable } from "./text_table.ts";

const NONE = -1;

/**
 * The merges of a byte-level vocabulary, by the two symbols that they join.
 *
 * A symbol is a number: the id of the token that has its text, or a number above
 * all ids where there is none. Open addressing over typed arrays, since a
 * vocabulary has some 300,000 merges, which a `Map` of pairs takes too long for.
 */
export class MergeTable {
  readonly #symbols: TextTable;
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
    this.#symbols = new TextTable(tokens);
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
   * @param text A text that has it as a part.
   * @param start Where the part starts. Defaults to the start.
   * @param end Where the part ends. Defaults to the end.
   * @returns Its symbol.
   */
  symbolOf(
    text: string,
    start: number = 0,
    end: number = text.length,
  ): number {
    const known = this.#symbols.find(text, start, end);
    return known === NONE ? this.#symbols.add(text.slice(start, end)) : known;
  }

  /** The symbol of a text, or -1 where there is none. */
  find(text: string): number {
    return this.#symbols.find(text);
  }

  /** The text of a symbol. */
  textOf(symbol: number): string {
    return this.#symbols.textOf(symbol);
  }

  /**
   * Finds the merge of two symbols.
   *
   * @param left The left symbol.
   * @param right The right symbol.
   * @returns Its rank, the lowest being the best, or -1 where there is none.
   */
  rankOf(left: number, right: number): number {
    return this.#slots[this.#slotOf(left, right)]!;
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
    const left = this.textOf(this.#lefts[rank]!);
    const right = this.textOf(this.#rights[rank]!);
    return this.#results[rank] = this.symbolOf(left + right);
  }

  #add(merge: string, rank: number): void {
    const space = merge.indexOf(" ", 1);
    if (space < 0) return;
    const left = this.symbolOf(merge, 0, space);
    const right = this.symbolOf(merge, space + 1);
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
