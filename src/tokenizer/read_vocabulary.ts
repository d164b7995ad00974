import {
  describe,
  type Metadata,
  readArray,
  readBoolean,
  readId,
} from "./metadata.ts";
import { findPreTokenizer } from "./pre_tokenizers.ts";
import { readScores, readTokens, readTypes } from "./read_tokens.ts";
import {
  findEndOfGeneration,
  findStripping,
  isControlText,
} from "./special_tokens.ts";
import type { ByteLevel, TokenType, Vocabulary } from "./vocabulary.ts";

/** The ids that a kind of tokenizer has where a file names none. */
interface DefaultIds {
  bos: number;
  eos: number;
  unknown?: number;
}

const SENTENCE_PIECE_IDS: DefaultIds = { bos: 1, eos: 2, unknown: 0 };
const BYTE_LEVEL_IDS: DefaultIds = { bos: 11, eos: 11 };

/** White space, or one character that can be seen. */
const SPELLING = /^(?:\s+|[\p{L}\p{N}\p{P}\p{S}])$/u;

/**
 * Reads the vocabulary of a tokenizer from GGUF metadata (`tokenizer.ggml.*`):
 * SentencePiece BPE (`llama`) or byte-level BPE (`gpt2`).
 *
 * As in llama.cpp, missing scores are 0 and missing types normal, and BOS, EOS
 * and unknown are 1, 2 and 0 where the file names none (11, 11 and none for
 * byte-level BPE); such a default only counts where the token there is a control
 * token (the unknown token), so that a file is never given an id that it does not
 * mean.
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
  const model = metadata["tokenizer.ggml.model"];
  if (model === "llama") return readSentencePiece(metadata);
  if (model === "gpt2") return readByteLevel(metadata);
  throw new Error(
    model === undefined
      ? `Cannot load tokenizer: tokenizer.ggml.model is missing, "llama" or "gpt2" is wanted`
      : `Cannot load tokenizer ${
        describe(model)
      }: its kind is not supported, "llama" or "gpt2" is wanted`,
  );
}

function readSentencePiece(metadata: Metadata): Vocabulary {
  const tokens = readTokens(metadata);
  const types = readTypes(metadata, tokens.length);
  checkBytes(tokens, types);
  const ids = readIds(metadata, types, SENTENCE_PIECE_IDS);
  return {
    ...ids,
    tokens,
    scores: readScores(metadata, tokens.length),
    types,
    endOfGenerationIds: readEndOfGeneration(metadata, tokens, types, ids.eosId),
    strippingIds: findStripping(tokens, types, metadata["general.name"]),
    addBos: readAdding(metadata, "bos", ids.bosId) ?? ids.bosId !== undefined,
    addEos: readAdding(metadata, "eos", ids.eosId) ?? false,
    addSpacePrefix: readBoolean(metadata, "tokenizer.ggml.add_space_prefix") ??
      true,
  };
}

function readByteLevel(metadata: Metadata): Vocabulary {
  const tokens = readTokens(metadata);
  const types = readTypes(metadata, tokens.length)
    .map((type, id) => isControlText(tokens[id]!) ? "control" : type);
  const ids = readIds(metadata, types, BYTE_LEVEL_IDS);
  const byteLevel: ByteLevel = {
    preTokenizer: findPreTokenizer(readPreTokenizerName(metadata)),
    merges: readMerges(metadata),
    plainIds: new Set(
      types.flatMap((type, id) =>
        type === "user-defined" && SPELLING.test(tokens[id]!) ? [id] : []
      ),
    ),
  };
  const addsBos = byteLevel.preTokenizer.addBos === true;
  return {
    ...ids,
    tokens,
    scores: readScores(metadata, tokens.length),
    types,
    endOfGenerationIds: readEndOfGeneration(metadata, tokens, types, ids.eosId),
    strippingIds: new Set(),
    addBos: readAdding(metadata, "bos", ids.bosId) ??
      (addsBos && ids.bosId !== undefined),
    addEos: readAdding(metadata, "eos", ids.eosId) ?? false,
    addSpacePrefix: false,
    byteLevel,
  };
}

/** As in llama.cpp, a file without a name was made before there were any. */
function readPreTokenizerName(metadata: Metadata): string {
  const key = "tokenizer.ggml.pre";
  const name = metadata[key] ?? "default";
  if (typeof name === "string") return name === "" ? "default" : name;
  throw new TypeError(
    `Cannot load tokenizer: ${key} is ${describe(name)}, a string is wanted`,
  );
}

function readMerges(metadata: Metadata): readonly string[] {
  const key = "tokenizer.ggml.merges";
  const merges = readArray(metadata, key);
  if (merges === undefined) {
    throw new Error(
      `Cannot load tokenizer: ${key} is missing, an array of texts is wanted`,
    );
  }
  for (let rank = 0; rank < merges.length; rank++) {
    if (typeof merges[rank] === "string") continue;
    throw new TypeError(
      `Cannot load tokenizer: merge ${rank} is ${
        describe(merges[rank])
      }, a string is wanted`,
    );
  }
  return merges as ArrayLike<unknown> as readonly string[];
}

function checkBytes(
  tokens: readonly string[],
  types: readonly TokenType[],
): void {
  for (let id = 0; id < tokens.length; id++) {
    if (types[id] !== "byte" || /^<0x[0-9A-F]{2}>$/.test(tokens[id]!)) continue;
    throw new RangeError(
      `Cannot load tokenizer: byte token ${id} is ${
        describe(tokens[id])
      }, a text from <0x00> to <0xFF> is wanted`,
    );
  }
}

function readIds(
  metadata: Metadata,
  types: readonly TokenType[],
  defaults: DefaultIds,
): Pick<Vocabulary, "bosId" | "eosId" | "unknownId" | "padId"> {
  const id = (name: string) => readTokenId(metadata, name, types.length);
  const fallback = (id: number | undefined, type: TokenType) =>
    id !== undefined && types[id] === type ? id : undefined;
  return {
    bosId: id("bos") ?? fallback(defaults.bos, "control"),
    eosId: id("eos") ?? fallback(defaults.eos, "control"),
    unknownId: id("unknown") ?? fallback(defaults.unknown, "unknown"),
    padId: id("padding"),
  };
}

function readEndOfGeneration(
  metadata: Metadata,
  tokens: readonly string[],
  types: readonly TokenType[],
  eosId: number | undefined,
): ReadonlySet<number> {
  const named = ["eot", "eom", "fim_pad", "fim_rep", "fim_sep"]
    .map((name) => readTokenId(metadata, name, tokens.length));
  return new Set([
    ...[eosId, ...named].filter((id) => id !== undefined),
    ...findEndOfGeneration(tokens, types),
  ]);
}

function readTokenId(
  metadata: Metadata,
  name: string,
  size: number,
): number | undefined {
  return readId(metadata, `tokenizer.ggml.${name}_token_id`, size);
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
