import { MergeQueue } from "./merge_queue.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** A space as it stands in the texts of tokens. */
export const SPACE = "\u2581";

const NONE = -1;

/**
 * Encodes text into pieces by SentencePiece's byte pair encoding, with
 * llama.cpp's order of merges.
 *
 * The text starts as a chain of characters. The pair of neighbours whose joined
 * text is the token of the highest score is merged, the leftmost of several,
 * until no pair makes a token. A character that is no token is spelled in byte
 * tokens.
 *
 * Only normal and unused tokens take part, so that text never becomes a special
 * token; in llama.cpp all do. Every merge makes a token, so that none is ever
 * undone: the step for that in llama.cpp never has anything to do.
 */
export class PieceEncoder {
  readonly #vocabulary: Vocabulary;
  /** Id of each mergeable text. */
  readonly #ids = new Map<string, number>();
  /** Id of each byte's token, `NONE` where there is none, `[256]`. */
  readonly #byteIds: Int32Array;
  readonly #utf8 = new TextEncoder();
  /** UTF-8 of the character that is being spelled, `[4]`. */
  readonly #bytes = new Uint8Array(4);

  /**
   * Creates a {@linkcode PieceEncoder}.
   *
   * @param vocabulary The tokens.
   */
  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
    const { tokens, types } = vocabulary;
    const bytes = new Map<string, number>();
    for (let id = 0; id < tokens.length; id++) {
      const type = types[id];
      if (type === "normal" || type === "unused") {
        this.#ids.set(tokens[id]!, id);
      } else if (type === "byte") {
        bytes.set(tokens[id]!, id);
      }
    }
    // Files without token types have their byte tokens among the normal ones.
    this.#byteIds = Int32Array.from({ length: 256 }, (_, byte) => {
      const text = byteText(byte);
      return bytes.get(text) ?? this.#ids.get(text) ?? NONE;
    });
  }

  /**
   * Encodes one segment of text.
   *
   * @param text Well-formed text; any prefix is already there.
   * @param output Where the ids are appended.
   * @throws {Error} If a character is no token, and the vocabulary has neither
   *   its bytes nor an unknown token.
   */
  encode(text: string, output: number[]): void {
    const escaped = text.replaceAll(" ", SPACE);
    const { starts, nexts, merged } = this.#merge(escaped);
    for (let i = 0; i !== NONE && i < nexts.length; i = nexts[i]!) {
      if (merged[i] !== NONE) {
        output.push(merged[i]!);
      } else {
        this.#encodeCharacter(escaped.slice(starts[i], starts[i + 1]), output);
      }
    }
  }

  /**
   * Merges the characters of a text. Symbol `i` starts at character `i`, and
   * ends where the next symbol starts.
   *
   * @returns `starts`: each character's offset and the text's end,
   *   `[characters + 1]`; `nexts`: the symbol after each, `[characters]`;
   *   `merged`: the token that each was merged into, `[characters]`.
   */
  #merge(text: string) {
    const { scores } = this.#vocabulary;
    const starts = characterStarts(text);
    const count = starts.length - 1;
    const nexts = new Int32Array(count);
    const previous = new Int32Array(count);
    for (let i = 0; i < count; i++) {
      nexts[i] = i + 1 < count ? i + 1 : NONE;
      previous[i] = i - 1; // NONE for the first
    }
    const merged = new Int32Array(count).fill(NONE);
    /** Token that each symbol makes with the next one, `[characters]`. */
    const pairs = new Int32Array(count).fill(NONE);
    const queue = new MergeQueue(count);

    const findPair = (left: number) => {
      const right = nexts[left]!;
      if (right === NONE) {
        pairs[left] = NONE;
        return;
      }
      const end = nexts[right] === NONE ? count : nexts[right]!;
      const pair = text.slice(starts[left], starts[end]);
      const id = this.#ids.get(pair) ?? NONE;
      pairs[left] = id;
      if (id !== NONE) queue.push(scores[id]!, left);
    };

    for (let i = 0; i < count; i++) findPair(i);
    while (queue.size > 0) {
      const score = queue.score;
      const left = queue.pop();
      const id = pairs[left]!;
      // A neighbour has changed since: the pair that is there now, if it makes
      // a token, has an entry of its own. (With this score, it is its equal.)
      if (id === NONE || scores[id] !== score) continue;
      const right = nexts[left]!;
      const after = nexts[right]!;
      merged[left] = id;
      pairs[right] = NONE;
      nexts[left] = after;
      if (after !== NONE) previous[after] = left;
      if (previous[left] !== NONE) findPair(previous[left]!);
      findPair(left);
    }
    return { starts, nexts, merged };
  }

  #encodeCharacter(character: string, output: number[]): void {
    const id = this.#ids.get(character);
    if (id !== undefined) {
      output.push(id);
      return;
    }
    const { written } = this.#utf8.encodeInto(character, this.#bytes);
    const ids = [];
    for (let i = 0; i < written; i++) ids.push(this.#byteIds[this.#bytes[i]!]!);
    if (!ids.includes(NONE)) {
      for (const id of ids) output.push(id);
      return;
    }
    const { unknownId } = this.#vocabulary;
    if (unknownId === undefined) {
      throw new Error(
        `Cannot encode ${
          JSON.stringify(character)
        }: it is not in the vocabulary, its bytes or an unknown token are wanted`,
      );
    }
    output.push(unknownId);
  }
}

/**
 * Offsets at which the characters (code points) of a text start.
 *
 * @param text Well-formed text.
 * @returns The offsets in UTF-16 units and the text's length, `[characters + 1]`.
 */
function characterStarts(text: string): Int32Array {
  const starts = new Int32Array(text.length + 1);
  let count = 0;
  for (let offset = 0; offset < text.length; offset++) {
    starts[count++] = offset;
    const unit = text.charCodeAt(offset);
    if (unit >= 0xd800 && unit < 0xdc00) offset++;
  }
  starts[count++] = text.length;
  return starts.subarray(0, count);
}

function byteText(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
}
