import {
  describe,
  type Metadata,
  readArray,
  readBoolean,
  readId,
} from "./metadata.ts";
import { findEndOfGeneration, findStripping } from "./special_tokens.ts";
import type { TokenType, Vocabulary } from "./vocabulary.ts";

const TYPES: readonly TokenType[] = [
  "normal",
  "unknown",
  "control",
  "user-defined",
  "unused",
  "byte",
];

/**
 * Reads the vocabulary of a SentencePiece BPE tokenizer from GGUF metadata
 * (`tokenizer.ggml.*`).
 *
 * As in llama.cpp, missing scores are 0 and missing types normal, and BOS, EOS
 * and unknown are 1, 2 and 0 where the file names none; such a default only
 * counts where the token there is a control token (the unknown token), so that
 * a file is never given an id that it does not mean.
 *
 * @param metadata The file's metadata.
 * @returns The vocabulary.
 * @throws {Error} If the tokenizer is of another kind, or a part is missing.
 * @throws {TypeError} If a value has the wrong type.
 * @throws {RangeError} If a length, an id or a type number is out of range.
 */
export function readVocabulary(
  metadata: Readonly<Record<string, unknown>>,
): Vocabulary {
  checkModel(metadata["tokenizer.ggml.model"]);
  const tokens = readTokens(metadata);
  const size = tokens.length;
  const scores = readScores(metadata, size);
  const types = readTypes(metadata, tokens);
  const id = (name: string) =>
    readId(metadata, `tokenizer.ggml.${name}_token_id`, size);
  const fallback = (id: number, type: TokenType) =>
    types[id] === type ? id : undefined;

  const bosId = id("bos") ?? fallback(1, "control");
  const eosId = id("eos") ?? fallback(2, "control");
  const stops = [eosId, id("eot"), id("eom")].filter((id) => id !== undefined);
  return {
    tokens,
    scores,
    types,
    bosId,
    eosId,
    unknownId: id("unknown") ?? fallback(0, "unknown"),
    padId: id("padding"),
    endOfGenerationIds: new Set([
      ...stops,
      ...findEndOfGeneration(tokens, types),
    ]),
    strippingIds: findStripping(tokens, types, metadata["general.name"]),
    addBos: readAdding(metadata, "bos", bosId) ?? bosId !== undefined,
    addEos: readAdding(metadata, "eos", eosId) ?? false,
    addSpacePrefix: readBoolean(metadata, "tokenizer.ggml.add_space_prefix") ??
      true,
  };
}

function checkModel(model: unknown): void {
  if (model === "llama") return;
  throw new Error(
    model === undefined
      ? `Cannot load tokenizer: tokenizer.ggml.model is missing, "llama" is wanted`
      : `Cannot load tokenizer ${
        describe(model)
      }: its kind is not supported, "llama" is wanted`,
  );
}

function readTokens(metadata: Metadata): readonly string[] {
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

function readScores(metadata: Metadata, size: number): Float32Array {
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

function readTypes(
  metadata: Metadata,
  tokens: readonly string[],
): readonly TokenType[] {
  const size = tokens.length;
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
    if (type === "byte" && !/^<0x[0-9A-F]{2}>$/.test(tokens[id]!)) {
      throw new RangeError(
        `Cannot load tokenizer: byte token ${id} is ${
          describe(tokens[id])
        }, a text from <0x00> to <0xFF> is wanted`,
      );
    }
    types.push(type);
  }
  return types;
}

function readAdding(
  metadata: Metadata,
  name: "bos" | "eos",
  id: number | undefined,
): boolean | undefined {
  const key = `tokenizer.ggml.add_${name}_token`;
  const adding = readBoolean(metadata, key);
  if (adding && id === undefined) {
    throw new Error(
      `Cannot load tokenizer: ${key} is true and tokenizer.ggml.${name}_token_id is missing, an id is wanted`,
    );
  }
  return adding;
}
