import type { Tokenizer } from "../../tokenizer/tokenizer.ts";

/** What each token of a vocabulary reads, in bytes as characters up to 255. */
export class TokenTexts {
  /** By id. */
  readonly all: readonly string[];
  readonly #tokenizer: Tokenizer;
  #byText: Map<string, number[]> | undefined;

  /**
   * Creates {@linkcode TokenTexts}, which takes some milliseconds.
   *
   * @param tokenizer The vocabulary's tokenizer.
   */
  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
    this.all = Array.from(
      { length: tokenizer.size },
      (_, id) => String.fromCharCode(...tokenizer.pieceBytes(id)),
    );
  }

  /** The ids of each text. */
  get byText(): ReadonlyMap<string, readonly number[]> {
    if (this.#byText !== undefined) return this.#byText;
    const byText = this.#byText = new Map<string, number[]>();
    for (const [id, text] of this.all.entries()) {
      const ids = byText.get(text);
      if (ids === undefined) byText.set(text, [id]);
      else ids.push(id);
    }
    return byText;
  }

  /**
   * All tokens that read like a text.
   *
   * @param text The text of one token, such as `" the"`; a special one's is its
   * name.
   * @returns Their ids.
   * @throws {RangeError} If there is none.
   */
  idsOf(text: string): readonly number[] {
    const ids = this.#find(text);
    if (ids !== undefined) return ids;
    const spaced = ` ${text}`;
    const isSpaced = text !== "" && this.#find(spaced) !== undefined;
    const { length } = this.#tokenizer.encode(text, { bos: false });
    throw new RangeError(
      `Cannot sample: the text ${JSON.stringify(text)} is no token, ${
        isSpaced
          ? `${JSON.stringify(spaced)} is one`
          : `it takes ${length}, one is wanted`
      }`,
    );
  }

  #find(text: string): readonly number[] | undefined {
    const bytes = new TextEncoder().encode(text);
    return this.byText.get(String.fromCharCode(...bytes));
  }
}
