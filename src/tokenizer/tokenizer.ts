import { cleanSpaces } from "./clean_spaces.ts";
import { pieceOf, typeOf } from "./pieces.ts";
import { readVocabulary } from "./read_vocabulary.ts";
import { createEncoder, type SegmentEncoder } from "./encoder.ts";
import { isSpecialType, SpecialTokenParser } from "./special_tokens.ts";
import { TokenStream, type TokenStreamOptions } from "./token_stream.ts";
import type { TokenType, Vocabulary } from "./vocabulary.ts";

/** Options for {@linkcode Tokenizer.encode}. */
export interface EncodeOptions {
  /**
   * Whether special tokens are found in the text. Defaults to `false`: text is
   * only text, whatever stands in it.
   */
  special?: boolean;
  /** Whether BOS is put first. Defaults to what the file says. */
  bos?: boolean;
}

/** Options for {@linkcode Tokenizer.encodeParts}. */
export type EncodePartsOptions = Pick<EncodeOptions, "bos">;

/** Options for {@linkcode Tokenizer.decode}. */
export interface DecodeOptions
  extends Pick<TokenStreamOptions, "special" | "prefix"> {
  /**
   * Whether spaces are taken out before punctuation and contractions where
   * llama.cpp's detokenizer does so, for GPT-2's vocabulary and some of its
   * descendants: `" , it 's"` becomes `", it's"`. What was encoded does not come
   * back then. Defaults to `false`.
   */
  cleanSpaces?: boolean;
}

/**
 * A SentencePiece BPE (`llama`) or byte-level BPE (`gpt2`) tokenizer, with
 * llama.cpp's ids for every text.
 *
 * One difference is meant: llama.cpp finds user-defined tokens in any text.
 * Here they are found, as control tokens are, only where special parsing is
 * asked for, since what a user writes must not reach a model as a control. In
 * byte-level vocabularies those that are mere spelling are found in any text,
 * too: white space (MPT's runs of spaces), and single characters.
 *
 * ```ts
 * import { loadTokenizer } from "@seraph/seraph";
 *
 * const tokenizer = await loadTokenizer("models/tiny-archangel-q8_0.gguf");
 * const ids = tokenizer.encode("The cat sat");
 * console.log(ids, tokenizer.pieces(ids), tokenizer.count("The cat sat"));
 * console.log(tokenizer.decode(ids)); // The cat sat
 * ```
 */
export class Tokenizer {
  /** The tokens. */
  readonly vocabulary: Vocabulary;
  // Made when first needed: a model that is only inspected needs none of them.
  #encoder: SegmentEncoder | undefined;
  #parser: SpecialTokenParser | undefined;
  #specialIds: Map<string, number> | undefined;

  /**
   * Creates a {@linkcode Tokenizer}.
   *
   * @param vocabulary The tokens.
   */
  constructor(vocabulary: Vocabulary) {
    this.vocabulary = vocabulary;
  }

  /**
   * Creates a {@linkcode Tokenizer} from GGUF metadata.
   *
   * @param metadata The file's metadata.
   * @returns The tokenizer.
   * @throws {Error} If the metadata is not that of a `llama` or `gpt2` tokenizer,
   *   see {@linkcode readVocabulary}.
   */
  static fromMetadata(
    metadata: Readonly<Record<string, unknown>>,
  ): Tokenizer {
    return new Tokenizer(readVocabulary(metadata));
  }

  /** Number of tokens. */
  get size(): number {
    return this.vocabulary.tokens.length;
  }

  /** Token that begins a text. */
  get bosId(): number | undefined {
    return this.vocabulary.bosId;
  }

  /** Token that ends a text. */
  get eosId(): number | undefined {
    return this.vocabulary.eosId;
  }

  /**
   * Encodes text. BOS and EOS are added as the file says; `bos: false` leaves
   * out both. Half a surrogate pair counts as U+FFFD, and U+2581 as a space where
   * the vocabulary is SentencePiece's. A byte that a byte-level vocabulary has no
   * token for is left out, as Falcon's has none for some control characters.
   *
   * @param text Any text.
   * @param options Whether special tokens are parsed, and BOS added.
   * @returns The ids.
   * @throws {Error} If BOS is asked for and the file has none, or a character
   *   cannot be spelled, see {@linkcode PieceEncoder.encode}.
   */
  encode(text: string, options: EncodeOptions = {}): number[] {
    const { special = false, bos = this.vocabulary.addBos } = options;
    const wellFormed = text.toWellFormed();
    const parts = special ? this.#parse(wellFormed) : [wellFormed];
    const ids = this.#begin(bos);
    let isSegmentStart = true;
    for (const part of parts) {
      if (typeof part === "number") ids.push(part);
      else this.#encodeText(part, isSegmentStart, ids);
      isSegmentStart = typeof part === "number";
    }
    const { addEos, eosId } = this.vocabulary;
    if (addEos && eosId !== undefined && options.bos !== false) ids.push(eosId);
    return ids;
  }

  /**
   * Counts the tokens of a text.
   *
   * @example How much of a context a text takes
   * ```ts
   * import { loadTokenizer } from "@seraph/seraph";
   *
   * const tokenizer = await loadTokenizer("models/tiny-archangel-q8_0.gguf");
   * console.log(tokenizer.count("Once upon a time", { bos: false })); // 4
   * ```
   *
   * @param text Any text.
   * @param options Whether special tokens are parsed, and BOS counted.
   * @returns As many as {@linkcode Tokenizer.encode} gives.
   * @throws {Error} As for {@linkcode Tokenizer.encode}.
   */
  count(text: string, options: EncodeOptions = {}): number {
    return this.encode(text, options).length;
  }

  /**
   * Encodes text that has tokens in it. No special token is ever found in the
   * text itself; ids are taken as they are, and neighbouring texts are one
   * text. Text after a special token starts a segment, with a dummy prefix of
   * its own. BOS is added as the file says, EOS never.
   *
   * @param parts Texts and ids in order.
   * @param options Whether BOS is added.
   * @returns The ids.
   * @throws {RangeError} If the vocabulary has no token of a given id.
   * @throws {Error} As for {@linkcode Tokenizer.encode}.
   */
  encodeParts(
    parts: readonly (string | number)[],
    options: EncodePartsOptions = {},
  ): number[] {
    const ids = this.#begin(options.bos ?? this.vocabulary.addBos);
    let isSegmentStart = true;
    let text = "";
    const endText = () => {
      this.#encodeText(text.toWellFormed(), isSegmentStart, ids);
      text = "";
    };
    for (const part of parts) {
      if (typeof part === "string") {
        text += part;
      } else {
        endText();
        isSegmentStart = this.isSpecial(part);
        ids.push(part);
      }
    }
    endText();
    return ids;
  }

  /**
   * Decodes tokens: the inverse of {@linkcode Tokenizer.encode}. The dummy
   * prefix of each segment goes, that is one space at the start and after each
   * special token. With `prefix: "first"` or `special`, as in llama.cpp, only
   * the very first token loses its space, and none where that is BOS. Byte-level
   * vocabularies have no dummy prefix, nothing goes there.
   *
   * @param ids The tokens.
   * @param options Whether special tokens are shown, and spaces cleaned.
   * @returns The text, with U+FFFD for bytes that are not UTF-8.
   * @throws {RangeError} If the vocabulary has no token of a given id.
   */
  decode(ids: readonly number[], options: DecodeOptions = {}): string {
    const stream = this.stream(options);
    let text = "";
    for (const id of ids) text += stream.push(id);
    text += stream.flush();
    const { byteLevel } = this.vocabulary;
    return options.cleanSpaces && byteLevel?.preTokenizer.cleanSpaces
      ? cleanSpaces(text)
      : text;
  }

  /**
   * Decodes each token alone: special tokens by their names, no space dropped.
   *
   * @param ids The tokens.
   * @returns Their texts, U+FFFD for a byte that is no character by itself.
   * @throws {RangeError} If the vocabulary has no token of a given id.
   */
  pieces(ids: readonly number[]): string[] {
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    return ids.map((id) => decoder.decode(this.pieceBytes(id)));
  }

  /**
   * The bytes of one token: {@linkcode Tokenizer.pieces} before decoding.
   *
   * @param id The token.
   * @returns Its bytes, UTF-8 for all but byte tokens.
   * @throws {RangeError} If the vocabulary has no such token.
   */
  pieceBytes(id: number): Uint8Array {
    const piece = pieceOf(this.vocabulary, id);
    return typeof piece === "string" ? new TextEncoder().encode(piece) : piece;
  }

  /**
   * Looks up a special token by its name.
   *
   * @param text The whole text of a control or user-defined token.
   * @returns Its id, or `undefined` where there is none.
   */
  specialId(text: string): number | undefined {
    this.#specialIds ??= new Map(
      this.vocabulary.tokens.flatMap((token, id) =>
        this.isSpecial(id) ? [[token, id] as const] : []
      ),
    );
    return this.#specialIds.get(text);
  }

  /**
   * The type of a token.
   *
   * @param id The token.
   * @returns Its type.
   * @throws {RangeError} If the vocabulary has no such token.
   */
  typeOf(id: number): TokenType {
    return typeOf(this.vocabulary, id);
  }

  /**
   * Tells whether a token is special: a control or user-defined one, which text
   * alone never yields.
   *
   * @param id The token.
   * @returns Whether it is.
   * @throws {RangeError} If the vocabulary has no such token.
   */
  isSpecial(id: number): boolean {
    return isSpecialType(this.typeOf(id)) &&
      !this.vocabulary.byteLevel?.plainIds.has(id);
  }

  /**
   * Tells whether a model is done once it has said a token: EOS, the file's
   * ends of a turn or message, and special tokens known by name as such.
   *
   * @param id The token.
   * @returns Whether it ends the generation.
   */
  isEndOfGeneration(id: number): boolean {
    return this.vocabulary.endOfGenerationIds.has(id);
  }

  /**
   * Starts decoding token by token.
   *
   * @example Text as it comes, never half a character
   * ```ts
   * import { loadTokenizer } from "@seraph/seraph";
   *
   * const tokenizer = await loadTokenizer("models/tiny-archangel-q8_0.gguf");
   * const stream = tokenizer.stream();
   * for (const id of tokenizer.encode("A piece of cake: 🍰")) {
   *   console.log(stream.push(id));
   * }
   * console.log(stream.flush());
   * ```
   *
   * @param options Whether special tokens are shown, and what came before.
   * @returns The stream.
   * @throws {RangeError} If the vocabulary has no token `previousId`.
   */
  stream(options: TokenStreamOptions = {}): TokenStream {
    return new TokenStream(this.vocabulary, options);
  }

  #begin(bos: boolean): number[] {
    if (!bos) return [];
    const { bosId } = this.vocabulary;
    if (bosId === undefined) {
      throw new Error(
        "Cannot add BOS: the vocabulary has no such token, bos: false is wanted",
      );
    }
    return [bosId];
  }

  #parse(text: string): (string | number)[] {
    this.#parser ??= new SpecialTokenParser(this.vocabulary);
    return this.#parser.split(text);
  }

  #encodeText(text: string, isSegmentStart: boolean, output: number[]): void {
    if (text === "") return;
    this.#encoder ??= createEncoder(this.vocabulary);
    const prefix = isSegmentStart && this.vocabulary.addSpacePrefix ? " " : "";
    this.#encoder.encode(prefix + text, output);
  }
}
