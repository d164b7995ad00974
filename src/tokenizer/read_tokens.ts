import { describe, type Metadata, readArray } from "./metadata.ts";
import type { TokenType } from "./vocabulary.ts";

const TYPES: readonly TokenType[] = [
  "normal",
  "unknown",
  "control",
  "user-defined",
  "unused",
  "byte",
];

/**
 * Reads the tokens' texts.
 *
 * @param metadata The file's metadata.
 * @returns Each token's text, `[size]`.
 * @throws {Error} If there are none.
 * @throws {TypeError} If one is not a text.
 */
export function readTokens(metadata: Metadata): readonly string[] {
  const key = "tokenizer.ggml.tokens";
  const tokens = readArray(metadata, key);
  if (tokens === undefined || tokens.length === 0) {
    throw new Error(
      `Cannot load tokenizer: ${key} is ${
        tokens ? "empty" : "missing"
      }, an array of texts is wanted`,
    );
  }
  for (let id = 0; id < tokens.length; id++) {
    if (typeof tokens[id] !== "string") {
      throw new TypeError(
        `Cannot load tokenizer: token ${id} is ${
          describe(tokens[id])
        }, a string is wanted`,
      );
    }
  }
  return tokens as ArrayLike<unknown> as readonly string[];
}

/**
 * Reads the tokens' scores.
 *
 * @param metadata The file's metadata.
 * @param size Number of tokens.
 * @returns Each token's score, 0 where the file has none, `[size]`.
 * @throws {TypeError} If one is not a number.
 * @throws {RangeError} If it is not one for each token.
 */
export function readScores(metadata: Metadata, size: number): Float32Array {
  const scores = readArray(metadata, "tokenizer.ggml.scores", size);
  if (scores === undefined) return new Float32Array(size);
  for (let id = 0; id < size; id++) {
    // A score that is not a number would put the merges in no order at all.
    if (typeof scores[id] !== "number" || Number.isNaN(scores[id])) {
      throw new TypeError(
        `Cannot load tokenizer: the score of token ${id} is ${
          describe(scores[id])
        }, a number is wanted`,
      );
    }
  }
  return scores instanceof Float32Array
    ? scores
    : Float32Array.from(scores as ArrayLike<number>);
}

/**
 * Reads the tokens' types.
 *
 * @param metadata The file's metadata.
 * @param size Number of tokens.
 * @returns Each token's type, normal where the file has none, `[size]`.
 * @throws {RangeError} If one is no type, or it is not one for each token.
 */
export function readTypes(
  metadata: Metadata,
  size: number,
): TokenType[] {
  const numbers = readArray(metadata, "tokenizer.ggml.token_type", size);
  if (numbers === undefined) return new Array(size).fill("normal");
  const types: TokenType[] = [];
  for (let id = 0; id < size; id++) {
    const type = TYPES[Number(numbers[id]) - 1];
    if (type === undefined) {
      throw new RangeError(
        `Cannot load tokenizer: the type of token ${id} is ${
          describe(numbers[id])
        }, a number from 1 to ${TYPES.length} is wanted`,
      );
    }
    types.push(type);
  }
  return types;
}
