import type { GgufField } from "../gguf/field.ts";
import { convertChatTemplate } from "./chat_template.ts";
import { type JsonObject, own } from "./json.ts";
import { scoresOfMerges } from "./merge_scores.ts";
import { preTokenizerName } from "./pre_tokenizer.ts";
import type { SentencePieceModel } from "./sentencepiece_model.ts";
import { convertSpecialIds } from "./special_ids.ts";
import type { TokenizerFiles } from "./tokenizer_files.ts";
import type { TokenizerJson } from "./tokenizer_json.ts";
import { TOKEN_TYPE, TokenTable } from "./tokens.ts";

/** What a vocabulary is made of. */
export interface VocabularySources {
  /** The tokenizer's files. */
  readonly files: TokenizerFiles;
  /** Rows of the embedding, one for each id. */
  readonly size: number;
  /** `config.json` */
  readonly config: JsonObject;
  /** `generation_config.json`; empty where there is none. */
  readonly generation: JsonObject;
  /** llama.cpp's name for how text is split. Defaults to what is found. */
  readonly preTokenizer?: string | undefined;
}

/** What GGUF files can hold. */
const MAX_SIZE = 1e6;

/**
 * Turns a checkpoint's tokenizer into metadata.
 *
 * `tokenizer.model` comes first, as in llama.cpp's converter; of a
 * `tokenizer.json` beside it only what was added counts. Without it, a
 * `tokenizer.json` that falls back to bytes is the same vocabulary in another
 * form, and all others are byte-level.
 *
 * @param sources What it is made of.
 * @returns The metadata, in the order of llama.cpp's converter.
 * @throws {Error} If the tokenizer is of a kind that is not supported.
 * @throws {RangeError} If it has more tokens than the embedding has rows.
 */
export function convertVocabulary(sources: VocabularySources): GgufField[] {
  const { files, size } = sources;
  if (size > MAX_SIZE) {
    throw new RangeError(
      `Cannot convert tokenizer: the embedding has ${size} rows, ` +
        `at most ${MAX_SIZE} are wanted`,
    );
  }
  const table = new TokenTable(size);
  const { model, json } = files;
  const kind = model !== undefined
    ? fillFromModel(table, model, json)
    : json!.byteFallback
    ? fillFromMerges(table, json!)
    : fillByteLevel(table, json!);
  for (const { id, text, special } of files.added) table.add(id, text, special);
  const isByteLevel = kind === "gpt2";
  return [
    { key: "tokenizer.ggml.model", type: "string", value: kind },
    {
      key: "tokenizer.ggml.pre",
      type: "string",
      value: isByteLevel
        ? preTokenizerName(json!, sources.preTokenizer)
        : "default",
    },
    ...table.fields({ scores: !isByteLevel }),
    ...(isByteLevel ? [mergesField(json!)] : []),
    ...convertSpecialIds({ ...sources, table }),
    ...convertChatTemplate(files.template),
    ...infillFields(size),
    ...(isByteLevel ? [] : prefixField(files)),
  ];
}

function fillFromModel(
  table: TokenTable,
  { pieces }: SentencePieceModel,
  json: TokenizerJson | undefined,
) {
  checkSize(table, pieces.length);
  for (const [id, { text, score, type }] of pieces.entries()) {
    // As in llama.cpp's converter, the model's own symbols are plain tokens.
    const kept = type === TOKEN_TYPE.userDefined ? TOKEN_TYPE.normal : type;
    table.set(id, text, kept, score);
  }
  // Of some checkpoints no other file says what was added to the model.
  for (const { id, text, special } of json?.added ?? []) {
    if (id >= pieces.length) table.add(id, text, special);
  }
  return "llama" as const;
}

function fillFromMerges(table: TokenTable, json: TokenizerJson) {
  checkIds(table, json);
  const scores = scoresOfMerges(json);
  for (const [text, id] of json.vocabulary) {
    const type = /^<0x[0-9A-F]{2}>$/.test(text)
      ? TOKEN_TYPE.byte
      : TOKEN_TYPE.normal;
    table.set(id, text, type, scores.get(id) ?? 0);
  }
  for (const { id, text, special } of json.added) {
    const isBase = json.vocabulary.get(text) === id;
    if (!isBase) table.add(id, text, special);
    else if (special) table.set(id, text, TOKEN_TYPE.control, 0);
  }
  const unknown = json.vocabulary.get(json.unknown ?? "");
  if (unknown !== undefined) {
    table.set(unknown, json.unknown!, TOKEN_TYPE.unknown, 0);
  }
  return "llama" as const;
}

function fillByteLevel(table: TokenTable, json: TokenizerJson) {
  checkIds(table, json);
  for (const [text, id] of json.vocabulary) {
    table.set(id, text, TOKEN_TYPE.normal, 0);
  }
  for (const { id, text, special } of json.added) table.add(id, text, special);
  return "gpt2" as const;
}

function checkIds(table: TokenTable, { vocabulary }: TokenizerJson): void {
  let last = -1;
  for (const id of vocabulary.values()) last = Math.max(last, id);
  checkSize(table, last + 1);
}

function checkSize({ size }: TokenTable, tokens: number): void {
  if (tokens <= size) return;
  throw new RangeError(
    `Cannot convert tokenizer: it has ${tokens} tokens, but the embedding ` +
      `has ${size} rows`,
  );
}

function mergesField({ merges }: TokenizerJson): GgufField {
  // A merge is written with a space between its parts, and so has none in them.
  const part = (text: string) => text.replaceAll(" ", "\u0120");
  return {
    key: "tokenizer.ggml.merges",
    type: "array",
    of: "string",
    value: merges.map(([left, right]) => `${part(left)} ${part(right)}`),
  };
}

/** Ids of Code Llama's, by which llama.cpp's converter knows it: its size. */
function infillFields(size: number): GgufField[] {
  if (size !== 32016) return [];
  return ["prefix", "suffix", "middle", "eot"].map((name, i) => ({
    key: `tokenizer.ggml.${name}_token_id`,
    type: "u32",
    value: 32007 + i,
  }));
}

/** Written where a file says it, or where it is not the default. */
function prefixField(files: TokenizerFiles): GgufField[] {
  const given = own(files.config, "add_prefix_space");
  const value = typeof given === "boolean"
    ? given
    : files.model !== undefined
    ? files.model.addsPrefix
    : addsPrefix(files.json!);
  if (value === true && typeof given !== "boolean") return [];
  return [{ key: "tokenizer.ggml.add_space_prefix", type: "bool", value }];
}

/** A normalizer puts the space first or, of late, the pre-tokenizer. */
function addsPrefix({ json }: TokenizerJson): boolean {
  const text = JSON.stringify([
    own(json, "normalizer"),
    own(json, "pre_tokenizer"),
  ]);
  if (text.includes('"type":"Prepend"')) return true;
  return text.includes('"type":"Metaspace"') &&
    !text.includes('"prepend_scheme":"never"') &&
    !text.includes('"add_prefix_space":false');
}
