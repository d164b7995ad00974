import type { TokenType, Vocabulary } from "./vocabulary.ts";

/** Texts of the tokens that end a turn in the chat formats of known models. */
const END_OF_GENERATION: ReadonlySet<string> = new Set([
  "<|eot_id|>",
  "<|eom_id|>",
  "<|im_end|>",
  "<|end|>",
  "<|end_of_text|>",
  "<|endoftext|>",
  "<end_of_turn>",
  "<end_of_utterance>",
  "<EOT>",
  "_<EOT>",
  "<\uff5cend\u2581of\u2581sentence\uff5c>",
  ...["<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>"],
  ...["<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>"],
  "<|file_sep|>",
]);

/** Texts of the tokens that ask for what stands between two texts. */
const FILL_IN_THE_MIDDLE: ReadonlySet<string> = new Set([
  ...["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"],
  ...["<fim-prefix>", "<fim-suffix>", "<fim-middle>"],
  ...["<fim_prefix>", "<fim_suffix>", "<fim_middle>"],
  ...["<PRE>", "<SUF>", "<MID>"],
  "<\uff5cfim\u2581begin\uff5c>",
  "<\uff5cfim\u2581hole\uff5c>",
  "<\uff5cfim\u2581end\uff5c>",
]);

/** Special tokens of Phi-3 that leave the white space after them alone. */
const PHI3_NOT_STRIPPING: ReadonlySet<string> = new Set([
  "<unk>",
  "<s>",
  "<|endoftext|>",
]);

/** White space as C's `isspace` has it: ASCII only, unlike JavaScript's. */
const LEADING_SPACE = /^[ \t\n\v\f\r]+/;

/**
 * Tells whether tokens of a type stand for something other than their text:
 * control and user-defined ones. Text alone never yields them.
 *
 * @param type A token's type.
 * @returns Whether it is special.
 */
export function isSpecialType(type: TokenType | undefined): boolean {
  return type === "control" || type === "user-defined";
}

/**
 * Tells whether a token is a control token by its text. llama.cpp goes by it, as
 * files of byte-level tokenizers often have such tokens as user-defined ones.
 *
 * @param text A token's text.
 * @returns Whether it is.
 */
export function isControlText(text: string): boolean {
  // Asked of all tokens of a vocabulary, and looking a text up takes longer.
  if (!text.startsWith("<") && !text.startsWith("_<")) return false;
  return END_OF_GENERATION.has(text) || FILL_IN_THE_MIDDLE.has(text);
}

/**
 * Finds the special tokens that end a model's turn by their text, as llama.cpp
 * does, since many files name no more than EOS.
 *
 * @param tokens Each token's text, `[size]`.
 * @param types Each token's type, `[size]`.
 * @returns Their ids.
 */
export function findEndOfGeneration(
  tokens: readonly string[],
  types: readonly TokenType[],
): number[] {
  return findIds(types, isSpecialType)
    .filter((id) => END_OF_GENERATION.has(tokens[id]!));
}

/**
 * Finds the special tokens that swallow the white space after them. No GGUF
 * key tells; llama.cpp goes by the model's name, and Phi-3 is the only one of
 * this tokenizer's models that it knows.
 *
 * @param tokens Each token's text, `[size]`.
 * @param types Each token's type, `[size]`.
 * @param modelName The file's `general.name`.
 * @returns Their ids.
 */
export function findStripping(
  tokens: readonly string[],
  types: readonly TokenType[],
  modelName: unknown,
): ReadonlySet<number> {
  if (typeof modelName !== "string" || !/phi-?3/i.test(modelName)) {
    return new Set();
  }
  return new Set(
    findIds(types, isParsedType)
      .filter((id) => !PHI3_NOT_STRIPPING.has(tokens[id]!)),
  );
}

/** Finds special tokens written out in text. */
export class SpecialTokenParser {
  readonly #tokens: readonly string[];
  readonly #strippingIds: ReadonlySet<number>;
  /** Longest first in UTF-8: `<|a|>b` is found before `<|a|>`. */
  readonly #ids: readonly number[];

  /**
   * Creates a {@linkcode SpecialTokenParser}.
   *
   * @param vocabulary The tokens.
   * @param isParsed Which of them to find. Defaults to all special ones.
   */
  constructor(
    vocabulary: Vocabulary,
    isParsed: (id: number, type: TokenType) => boolean = (_, type) =>
      isParsedType(type),
  ) {
    const { tokens, types, strippingIds } = vocabulary;
    const encoder = new TextEncoder();
    this.#tokens = tokens;
    this.#strippingIds = strippingIds;
    this.#ids = types.flatMap((type, id) => isParsed(id, type) ? [id] : [])
      .map((id) => ({ id, length: encoder.encode(tokens[id]).length }))
      .filter(({ length }) => length > 0)
      .sort((a, b) => b.length - a.length)
      .map(({ id }) => id);
  }

  /**
   * Splits text at the special tokens in it. The longest token claims its
   * occurrences first, then the next one those in what is left, and so on.
   *
   * @param text Any text.
   * @returns The parts in order: ids, and texts that are not empty.
   */
  split(text: string): (string | number)[] {
    let parts: (string | number)[] = text === "" ? [] : [text];
    for (const id of this.#ids) {
      const token = this.#tokens[id]!;
      if (!text.includes(token)) continue;
      parts = parts.flatMap((part) =>
        typeof part === "number" ? part : this.#splitAt(part, id)
      );
    }
    return parts;
  }

  #splitAt(text: string, id: number): (string | number)[] {
    const token = this.#tokens[id]!;
    const parts: (string | number)[] = [];
    let rest = text;
    for (let at = rest.indexOf(token); at >= 0; at = rest.indexOf(token)) {
      if (at > 0) parts.push(rest.slice(0, at));
      parts.push(id);
      rest = rest.slice(at + token.length);
      if (this.#strippingIds.has(id)) rest = rest.replace(LEADING_SPACE, "");
    }
    if (rest !== "") parts.push(rest);
    return parts;
  }
}

/** Special parsing also finds the unknown token, which text can yield. */
function isParsedType(type: TokenType): boolean {
  return isSpecialType(type) || type === "unknown";
}

function findIds(
  types: readonly TokenType[],
  wanted: (type: TokenType) => boolean,
): number[] {
  const ids: number[] = [];
  for (let id = 0; id < types.length; id++) {
    if (wanted(types[id]!)) ids.push(id);
  }
  return ids;
}
