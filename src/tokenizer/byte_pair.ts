import { BYTE_CHARACTERS, writeBytes } from "./byte_level.ts";
import { MergeQueue } from "./merge_queue.ts";
import { MergeTable } from "./merge_table.ts";
import type { ByteLevel, Vocabulary } from "./vocabulary.ts";
import { WordSplitter } from "./word_splitter.ts";

const NONE = -1;

/**
 * Words whose ids are kept, and the longest of them in UTF-16 units: V8 copies so
 * short a part of a text, where a longer one would keep all of the text in memory.
 */
const CACHE = { words: 1 << 15, length: 12 } as const;

/** Bytes of a word up to which the same queue is used again. */
const SHORT_WORD = 256;

/**
 * Encodes text by byte-level byte pair encoding, with llama.cpp's order of
 * merges.
 *
 * The text is split into words. Each starts as a chain of bytes; the pair of
 * neighbours whose merge comes first in the vocabulary's list is merged, the
 * leftmost of several, until no pair has a merge. What is left are tokens.
 *
 * As in llama.cpp, a byte without a token gives nothing: Falcon's vocabulary, for
 * one, lacks some control characters. Unlike there, text never becomes a control
 * or user-defined token: it is spelled in bytes.
 */
export class BytePairEncoder {
  readonly #vocabulary: Vocabulary;
  readonly #table: MergeTable;
  readonly #splitter: WordSplitter;
  readonly #ignoreMerges: boolean;
  /** Symbol of each byte, `[256]`. */
  readonly #bytes: Int32Array;
  readonly #queue = new MergeQueue(SHORT_WORD);
  readonly #utf8 = new TextEncoder();
  /** Ids of words that were met. */
  readonly #cache = new Map<string, readonly number[]>();

  /**
   * Creates a {@linkcode BytePairEncoder}.
   *
   * @param vocabulary The tokens.
   * @param byteLevel Their merges, and how text is split.
   */
  constructor(vocabulary: Vocabulary, byteLevel: ByteLevel) {
    const { preTokenizer, merges } = byteLevel;
    this.#vocabulary = vocabulary;
    this.#table = new MergeTable(vocabulary.tokens, merges);
    this.#splitter = new WordSplitter(preTokenizer);
    this.#ignoreMerges = preTokenizer.ignoreMerges ?? false;
    this.#bytes = Int32Array.from(
      BYTE_CHARACTERS,
      (character) => this.#table.symbolOf(character),
    );
  }

  /**
   * Encodes one segment of text.
   *
   * @param text Well-formed text.
   * @param output Where the ids are appended.
   */
  encode(text: string, output: number[]): void {
    for (const word of this.#splitter.split(text)) {
      const known = this.#cache.get(word);
      const ids = known ?? this.#encodeWord(word);
      for (const id of ids) output.push(id);
      if (known !== undefined || word.length > CACHE.length) continue;
      if (this.#cache.size === CACHE.words) this.#cache.clear();
      this.#cache.set(word, ids);
    }
  }

  #encodeWord(word: string): number[] {
    const bytes = this.#utf8.encode(word);
    if (this.#ignoreMerges) {
      const whole = this.#table.find(writeBytes(bytes));
      if (this.#isText(whole)) return [whole];
    }
    const { symbols, nexts } = this.#merge(bytes);
    const ids: number[] = [];
    for (let i = 0; i !== NONE; i = nexts[i]!) this.#spell(symbols[i]!, ids);
    return ids;
  }

  /**
   * Merges the bytes of a word. Symbol `i` starts at byte `i`.
   *
   * @returns `symbols`: what each symbol was merged into, `[bytes]`; `nexts`: the
   *   symbol after each, `[bytes]`.
   */
  #merge(bytes: Uint8Array) {
    const table = this.#table;
    const count = bytes.length;
    const queue = count > SHORT_WORD ? new MergeQueue(count) : this.#queue;
    const symbols = new Int32Array(count);
    const nexts = new Int32Array(count);
    const previous = new Int32Array(count);
    for (let i = 0; i < count; i++) {
      symbols[i] = this.#bytes[bytes[i]!]!;
      nexts[i] = i + 1 < count ? i + 1 : NONE;
      previous[i] = i - 1; // NONE for the first
    }
    /** Rank of the merge of each symbol with the next one, `[bytes]`. */
    const ranks = new Int32Array(count).fill(NONE);

    const findMerge = (left: number) => {
      const right = nexts[left]!;
      const rank = right === NONE
        ? NONE
        : table.rankOf(symbols[left]!, symbols[right]!);
      ranks[left] = rank;
      // Floats count to 2^24 one by one: more merges than any file has.
      if (rank !== NONE) queue.push(-rank, left);
    };

    for (let i = 0; i < count; i++) findMerge(i);
    while (queue.size > 0) {
      const rank = -queue.score;
      const left = queue.pop();
      if (ranks[left] !== rank) continue; // a neighbour has changed since
      const right = nexts[left]!;
      const after = nexts[right]!;
      symbols[left] = table.resultOf(rank);
      ranks[right] = NONE;
      nexts[left] = after;
      if (after !== NONE) previous[after] = left;
      if (previous[left] !== NONE) findMerge(previous[left]!);
      findMerge(left);
    }
    return { symbols, nexts };
  }

  #spell(symbol: number, ids: number[]): void {
    if (this.#isText(symbol)) {
      ids.push(symbol);
      return;
    }
    for (const character of this.#table.textOf(symbol)) {
      const id = this.#table.find(character);
      if (this.#isText(id)) ids.push(id);
    }
  }

  /** Whether a symbol is a token that text can become. */
  #isText(symbol: number): boolean {
    const type = this.#vocabulary.types[symbol];
    return type === "normal" || type === "unused";
  }
}
