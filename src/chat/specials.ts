import { SpecialTokenParser } from "../tokenizer/special_tokens.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { TokenType } from "../tokenizer/vocabulary.ts";
import type { Run } from "./marks.ts";

/** Texts with the ids of special tokens between them. */
export type PromptParts = (string | number)[];

const LEADING_SPACE = /^[ \t\n\v\f\r]+/;

/** The special tokens of a vocabulary, as a chat format writes them. */
export class SpecialTokens {
  readonly #tokenizer: Tokenizer;
  readonly #parser: SpecialTokenParser;
  /** Their texts, none empty. */
  readonly texts: readonly string[];

  /**
   * Creates {@linkcode SpecialTokens}.
   *
   * @param tokenizer The tokenizer.
   */
  constructor(tokenizer: Tokenizer) {
    const { vocabulary } = tokenizer;
    const types = parsedTypes(tokenizer);
    this.#tokenizer = tokenizer;
    this.#parser = new SpecialTokenParser({ ...vocabulary, types });
    this.texts = vocabulary.tokens.filter((text, id) =>
      text !== "" && isParsed(types[id])
    );
  }

  /**
   * Turns rendered text into parts. Special tokens are found in what the format
   * has written and nowhere else: no message adds one, or a piece of one.
   *
   * @param runs The text by where it comes from.
   * @returns The parts, none of them empty.
   */
  split(runs: readonly Run[]): PromptParts {
    const { strippingIds } = this.#tokenizer.vocabulary;
    const parts: PromptParts = [];
    for (const { text, isContent } of runs) {
      for (const part of isContent ? [text] : this.#parser.split(text)) {
        const last = parts.at(-1);
        if (typeof part === "number") {
          parts.push(part);
        } else if (typeof last === "string") {
          parts[parts.length - 1] = last + part;
        } else {
          // a token that swallows white space does so across the border, too
          const strips = last !== undefined && strippingIds.has(last);
          const rest = strips ? part.replace(LEADING_SPACE, "") : part;
          if (rest !== "") parts.push(rest);
        }
      }
    }
    return parts;
  }

  /**
   * Counts the parts at the start that a template has spent on BOS: the token,
   * more than once perhaps, and white space before it.
   *
   * @param parts The parts of a prompt.
   * @returns How many parts to drop where BOS is put first anyway.
   */
  countLeadingBos(parts: PromptParts): number {
    const { bosId } = this.#tokenizer;
    let count = 0;
    for (const [i, part] of parts.entries()) {
      if (part === bosId) count = i + 1;
      else if (typeof part === "number" || part.trim() !== "") break;
    }
    return count;
  }
}

/**
 * BOS and EOS count as control tokens even where a file names no types, and tokens
 * that are mere spelling as text, which they may share with a message's.
 */
function parsedTypes({ vocabulary }: Tokenizer): readonly TokenType[] {
  const { types, bosId, eosId, byteLevel } = vocabulary;
  const untyped = [bosId, eosId].filter((id) =>
    id !== undefined && !isParsed(types[id])
  );
  const plainIds = byteLevel?.plainIds;
  if (untyped.length === 0 && !plainIds?.size) return types;
  return types.map((type, id) => {
    if (untyped.includes(id)) return "control";
    return plainIds?.has(id) ? "normal" : type;
  });
}

function isParsed(type: TokenType | undefined): boolean {
  return type === "control" || type === "user-defined" || type === "unknown";
}
