import { isSpecialType } from "./special_tokens.ts";
import { SPACE } from "./sentencepiece.ts";
import type { TokenType, Vocabulary } from "./vocabulary.ts";

/**
 * The type of a token.
 *
 * @param vocabulary The tokens.
 * @param id The token.
 * @returns Its type.
 * @throws {RangeError} If the vocabulary has no such token.
 */
export function typeOf(vocabulary: Vocabulary, id: number): TokenType {
  const type = vocabulary.types[id];
  if (type === undefined) {
    const size = vocabulary.types.length;
    throw new RangeError(
      `Cannot look up token ${id}: the vocabulary has ${size} tokens, an id from 0 to ${
        size - 1
      } is wanted`,
    );
  }
  return type;
}

/**
 * What a token adds to a text: a string, or a number for a single byte, which
 * may be a part of a character only.
 *
 * @param vocabulary The tokens.
 * @param id The token.
 * @returns The piece. A special token's is its name.
 * @throws {RangeError} If the vocabulary has no such token.
 */
export function pieceOf(vocabulary: Vocabulary, id: number): string | number {
  const type = typeOf(vocabulary, id);
  const token = vocabulary.tokens[id]!;
  if (type === "byte") return parseInt(token.slice(3, 5), 16);
  return type === "unknown" || isSpecialType(type)
    ? token
    : token.replaceAll(SPACE, " ");
}
