import type { TokenStream } from "../tokenizer/token_stream.ts";
import type { TextFilter } from "./text_filter.ts";

/** Turns the tokens of an answer into text that can be shown. */
export class AnswerText {
  readonly #stream: TokenStream;
  readonly #filter: TextFilter;
  /** The stop string that ended the text. */
  stop: string | undefined;

  /**
   * Creates an {@linkcode AnswerText}.
   *
   * @param stream Decodes the tokens.
   * @param filter Holds back what may not be shown yet.
   */
  constructor(stream: TokenStream, filter: TextFilter) {
    this.#stream = stream;
    this.#filter = filter;
  }

  /** Adds a token: returns what can be shown now. */
  push(id: number): string {
    return this.#show(this.#stream.push(id));
  }

  /** Ends the text: returns what was held back and belongs to it. */
  end(): string {
    if (this.stop !== undefined) return "";
    return this.#show(this.#stream.flush()) + this.#filter.flush();
  }

  #show(text: string): string {
    const filtered = this.#filter.push(text);
    this.stop = filtered.stop;
    return filtered.text;
  }
}
