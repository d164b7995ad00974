import { pieceOf, typeOf } from "./pieces.ts";
import { isSpecialType } from "./special_tokens.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** Options for {@linkcode TokenStream}. */
export interface TokenStreamOptions {
  /**
   * Whether control and unknown tokens are shown by their names. Defaults to
   * `false`: they are left out.
   */
  special?: boolean;
  /**
   * Which dummy prefix is dropped, the space that encoding put before a text:
   * that of each segment, or only that of the very first token, as llama.cpp
   * does it. Defaults to `"segment"`, with `special` always `"first"`.
   */
  prefix?: "segment" | "first";
  /**
   * The token before the first one that is pushed. Defaults to none: the stream
   * is the start of a text.
   */
  previousId?: number;
}

/**
 * Turns tokens into text one by one, and never shows half a character: bytes
 * wait until the character is complete.
 */
export class TokenStream {
  readonly #vocabulary: Vocabulary;
  readonly #special: boolean;
  readonly #bySegment: boolean;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  /** Whether the decoder may hold bytes of an unfinished character. */
  #holding = false;
  /** Whether the next piece starts a segment, behind a dummy prefix. */
  #atSegmentStart: boolean;

  /**
   * Creates a {@linkcode TokenStream}.
   *
   * @param vocabulary The tokens.
   * @param options Whether special tokens are shown, and what came before.
   * @throws {RangeError} If the vocabulary has no token `previousId`.
   */
  constructor(vocabulary: Vocabulary, options: TokenStreamOptions = {}) {
    const { special = false, prefix = "segment", previousId } = options;
    this.#vocabulary = vocabulary;
    this.#special = special;
    this.#bySegment = prefix === "segment" && !special;
    this.#atSegmentStart = previousId === undefined ||
      this.#startsSegment(previousId);
  }

  /**
   * Adds a token.
   *
   * @param id The token.
   * @returns The text that is complete now, `""` while a character is not.
   * @throws {RangeError} If the vocabulary has no such token.
   */
  push(id: number): string {
    const type = typeOf(this.#vocabulary, id);
    const strips = this.#atSegmentStart && this.#vocabulary.addSpacePrefix;
    this.#atSegmentStart = this.#startsSegment(id);
    if (!this.#special && (type === "control" || type === "unknown")) return "";
    const piece = pieceOf(this.#vocabulary, id);
    if (typeof piece === "string") {
      return this.flush() +
        (strips && piece[0] === " " ? piece.slice(1) : piece);
    }
    if (strips && piece[0] === 0x20) return "";
    this.#holding = true;
    return this.#decoder.decode(piece, { stream: true });
  }

  /**
   * Ends the text. The stream can be used on, as if nothing had been held.
   *
   * @returns What is left: U+FFFD where a character was not finished.
   */
  flush(): string {
    if (!this.#holding) return "";
    this.#holding = false;
    return this.#decoder.decode();
  }

  #startsSegment(id: number): boolean {
    return this.#bySegment && isSpecialType(typeOf(this.#vocabulary, id));
  }
}
