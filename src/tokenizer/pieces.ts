import { readBytes } from "./byte_level.ts";
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
 * What a token adds to a text: a string, or bytes, which may begin or end within
 * a character.
 *
 * @param vocabulary The tokens.
 * @param id The token.
 * @returns The piece. A special token's is its name.
 * @throws {RangeError} If the vocabulary has no such token.
 */
export function pieceOf(
  vocabulary: Vocabulary,
  id: number,
): string | Uint8Array {
  const type = typeOf(vocabulary, id);
  const token = vocabulary.tokens[id]!;
  if (type === "unknown" || isSpecialType(type)) return token;
  if (vocabulary.byteLevel !== undefined) {
    return type === "normal" ? readBytes(token) : new Uint8Array();
  }
  return type === "byte"
    ? Uint8Array.of(parseInt(token.slice(3, 5), 16))
    : token.replaceAll(SPACE, " ");
}
