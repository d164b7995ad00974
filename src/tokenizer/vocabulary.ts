import type { PreTokenizer } from "./pre_tokenizers.ts";

/** Kind of a token, in the order of GGUF's numbers 1 to 6. */
export type TokenType =
  | "normal"
  | "unknown"
  | "control"
  | "user-defined"
  | "unused"
  | "byte";

/** What a byte-level BPE tokenizer has besides its tokens. */
export interface ByteLevel {
  /** Pairs of texts that are merged, best first, each with a space between. */
  readonly merges: readonly string[];
  /** How text falls into words. */
  readonly preTokenizer: PreTokenizer;
  /**
   * User-defined tokens that are found in any text: a character, or white space.
   * Such a token is spelling; it tells a model nothing that text could not.
   */
  readonly plainIds: ReadonlySet<number>;
}

/** What a tokenizer knows of its tokens; an id is an index into the arrays. */
export interface Vocabulary {
  /**
   * Each token's text, `[size]`. SentencePiece writes a space as U+2581,
   * byte-level BPE each byte as one character, a space as U+0120.
   */
  readonly tokens: readonly string[];
  /** Each token's merge priority for SentencePiece, higher first, `[size]`. */
  readonly scores: Float32Array;
  /** Each token's kind, `[size]`. */
  readonly types: readonly TokenType[];
  /** Begins a text. */
  readonly bosId: number | undefined;
  /** Ends a text. */
  readonly eosId: number | undefined;
  /** Stands for what no token can spell. */
  readonly unknownId: number | undefined;
  /** Fills up a batch. */
  readonly padId: number | undefined;
  /** Tokens after which a model has nothing more to say, EOS among them. */
  readonly endOfGenerationIds: ReadonlySet<number>;
  /** Tokens that swallow the white space after them where they are parsed. */
  readonly strippingIds: ReadonlySet<number>;
  /** Whether encoding puts BOS first. */
  readonly addBos: boolean;
  /** Whether encoding puts EOS last. */
  readonly addEos: boolean;
  /** Whether a space is put before each segment of text. */
  readonly addSpacePrefix: boolean;
  /** What makes it byte-level BPE. Defaults to none: it is SentencePiece. */
  readonly byteLevel?: ByteLevel | undefined;
}
