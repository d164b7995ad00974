import {
  hashOf,
  joinHashes,
  slotCount,
  slotOfHash,
  TextTable,
} from "./text_table.ts";

const NONE = -1;
const SPACE_HASH = hashOf(" ");

/** Pairs whose rank is kept: few make up most of any text. A power of two. */
const RECENT = 1 << 14;

/**
 * The merges of a byte-level vocabulary, by the two symbols that they join.
 *
 * A symbol is a number: the id of the token that has its text, or a number above
 * all ids where there is none. Open addressing over typed arrays, since a
 * vocabulary has some 300,000 merges, which a `Map` takes too long for. They are
 * put in by the hash of their whole text; what they join is looked up when they
 * are first found, as few of them ever are.
 */
export class MergeTable {
  readonly #symbols: TextTable;
  readonly #merges: readonly string[];
  /** Hash of each merge's text, `[merges]`. */
  readonly #hashes: Int32Array;
  /** Rank of the merge in each slot, `NONE` where it is empty. */
  readonly #slots: Int32Array;
  /** What each merge joins, `NONE` until it was found, `[merges]`. */
  readonly #lefts: Int32Array;
  readonly #rights: Int32Array;
  /** What each merge makes, `NONE` until it was needed, `[merges]`. */
  readonly #results: Int32Array;
  /** Left and right symbol of a pair, and its rank, `[RECENT, 3]`. */
  readonly #recent = new Int32Array(3 * RECENT).fill(NONE);

  /**
   * Creates a {@linkcode MergeTable}.
   *
   * @param tokens Each token's text, `[size]`.
   * @param merges The merges, best first, each a text, a space and a text.
   */
  constructor(tokens: readonly string[], merges: readonly string[]) {
    const count = merges.length;
    this.#symbols = new TextTable(tokens);
    this.#merges = merges;
    this.#hashes = new Int32Array(count);
    this.#slots = new Int32Array(slotCount(count)).fill(NONE);
    this.#lefts = new Int32Array(count).fill(NONE);
    this.#rights = new Int32Array(count).fill(NONE);
    this.#results = new Int32Array(count).fill(NONE);
    for (let rank = 0; rank < count; rank++) this.#add(rank);
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
    const recent = this.#recent;
    const mixed = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
    const at = 3 * ((mixed ^ mixed >>> 15) & RECENT - 1);
    if (recent[at] === left && recent[at + 1] === right) return recent[at + 2]!;
    const rank = this.#search(left, right);
    recent[at] = left;
    recent[at + 1] = right;
    recent[at + 2] = rank;
    return rank;
  }

  /**
   * What a merge makes.
   *
   * @param rank The rank of a merge that was found.
   * @returns The symbol.
   */
  resultOf(rank: number): number {
    const known = this.#results[rank]!;
    if (known !== NONE) return known;
    const left = this.textOf(this.#lefts[rank]!);
    const right = this.textOf(this.#rights[rank]!);
    return this.#results[rank] = this.symbolOf(left + right);
  }

  #add(rank: number): void {
    const merge = this.#merges[rank]!;
    const hash = hashOf(merge);
    this.#hashes[rank] = hash;
    const mask = this.#slots.length - 1;
    let slot = slotOfHash(hash, mask);
    for (let other = this.#slots[slot]!; other !== NONE;) {
      // The first of two alike counts.
      if (this.#hashes[other] === hash && this.#merges[other] === merge) return;
      slot = (slot + 1) & mask;
      other = this.#slots[slot]!;
    }
    this.#slots[slot] = rank;
  }

  #search(left: number, right: number): number {
    const symbols = this.#symbols;
    const { length } = symbols.textOf(right);
    const start = joinHashes(symbols.hashOf(left), SPACE_HASH, 1);
    const hash = joinHashes(start, symbols.hashOf(right), length);
    const mask = this.#slots.length - 1;
    let slot = slotOfHash(hash, mask);
    for (let rank = this.#slots[slot]!; rank !== NONE;) {
      if (this.#hashes[rank] === hash && this.#joins(rank, left, right)) {
        return rank;
      }
      slot = (slot + 1) & mask;
      rank = this.#slots[slot]!;
    }
    return NONE;
  }

  /** Whether a merge is the one of two symbols. */
  #joins(rank: number, left: number, right: number): boolean {
    const known = this.#lefts[rank]!;
    if (known !== NONE) return known === left && this.#rights[rank] === right;
    const merge = this.#merges[rank]!;
    const leftText = this.textOf(left);
    const rightText = this.textOf(right);
    const isIt = merge.length === leftText.length + 1 + rightText.length &&
      merge.indexOf(" ", 1) === leftText.length &&
      merge.startsWith(leftText) && merge.endsWith(rightText);
    if (!isIt) return false;
    this.#lefts[rank] = left;
    this.#rights[rank] = right;
    return true;
  }
}
