import type { Checkpoint } from "../sources/checkpoint.ts";
import {
  describe,
  isObject,
  type JsonObject,
  own,
  parseJsonObject,
} from "./json.ts";
import {
  readSentencePiece,
  type SentencePieceModel,
} from "./sentencepiece_model.ts";
import {
  type AddedToken,
  isId,
  readTokenizerJson,
  type TokenizerJson,
} from "./tokenizer_json.ts";

/** What a checkpoint's files say of its tokenizer. */
export interface TokenizerFiles {
  /** `tokenizer.model` */
  readonly model: SentencePieceModel | undefined;
  /** `tokenizer.json` */
  readonly json: TokenizerJson | undefined;
  /** `tokenizer_config.json`; empty where there is none. */
  readonly config: JsonObject;
  /** `special_tokens_map.json`; empty where there is none. */
  readonly specials: JsonObject;
  /** `added_tokens.json` and what `tokenizer_config.json` adds. */
  readonly added: readonly AddedToken[];
  /** The chat template, a text or a list of templates. */
  readonly template: unknown;
}

/** Larger models are none that anybody has trained. */
const MAX_MODEL_BYTES = 64 * 2 ** 20;

/**
 * Reads a JSON file of a checkpoint.
 *
 * @param checkpoint The checkpoint.
 * @param name The file's name.
 * @returns What stands in it, `undefined` where there is no such file.
 * @throws {SyntaxError | RangeError | TypeError} If it is no JSON object.
 */
export async function readJsonFile(
  checkpoint: Checkpoint,
  name: string,
): Promise<JsonObject | undefined> {
  const text = await checkpoint.readText(name);
  const label = fileLabel(checkpoint, name);
  return text === undefined ? undefined : parseJsonObject(text, { label });
}

/** What errors call a file of a checkpoint. */
export function fileLabel({ label }: Checkpoint, name: string): string {
  return `${label.replace(/[/\\]+$/, "")}/${name}`;
}

/**
 * Reads all that a checkpoint's files say of its tokenizer.
 *
 * @param checkpoint The checkpoint.
 * @returns The parts, each of them checked.
 * @throws {Error} If there is no tokenizer, or a file is broken.
 */
export async function readTokenizerFiles(
  checkpoint: Checkpoint,
): Promise<TokenizerFiles> {
  const read = (name: string) => readJsonFile(checkpoint, name);
  const model = await readModel(checkpoint);
  const json = await read("tokenizer.json");
  if (model === undefined && json === undefined) {
    throw new Error(
      `Cannot convert "${checkpoint.label}": it has no tokenizer, ` +
        "tokenizer.model or tokenizer.json is wanted",
    );
  }
  const config = await read("tokenizer_config.json") ?? {};
  const specials = await read("special_tokens_map.json") ?? {};
  const addedJson = await read("added_tokens.json") ?? {};
  return {
    model,
    json: json &&
      readTokenizerJson(json, fileLabel(checkpoint, "tokenizer.json")),
    config,
    specials,
    added: [
      ...addedByFile(checkpoint, addedJson, specials),
      ...addedByConfig(checkpoint, config),
    ],
    template: own(config, "chat_template") ??
      await checkpoint.readText("chat_template.jinja") ??
      own(await read("chat_template.json") ?? {}, "chat_template"),
  };
}

/** The text of a token in a file that names it, or describes it. */
export function tokenText(value: unknown): string | undefined {
  const text = isObject(value) ? own(value, "content") : value;
  return typeof text === "string" ? text : undefined;
}

async function readModel(
  checkpoint: Checkpoint,
): Promise<SentencePieceModel | undefined> {
  const name = "tokenizer.model";
  if (!checkpoint.files.has(name)) return undefined;
  await using source = await checkpoint.open(name);
  if (source.size > MAX_MODEL_BYTES) {
    throw new RangeError(
      `Cannot read "${source.label}": it has ${source.size} bytes, ` +
        `at most ${MAX_MODEL_BYTES} are wanted`,
    );
  }
  await source.prepare?.();
  const bytes = new Uint8Array(source.size);
  await source.readInto(bytes, 0);
  return readSentencePiece(bytes, fileLabel(checkpoint, name));
}

/** Which of them are special stands in another file. */
function addedByFile(
  checkpoint: Checkpoint,
  json: JsonObject,
  specials: JsonObject,
): AddedToken[] {
  const known = new Set(
    Object.values(specials).flat().map(tokenText).filter(Boolean),
  );
  return Object.entries(json).map(([text, id]) => {
    if (isId(id)) return { id, text, special: known.has(text) };
    throw new RangeError(
      `Cannot read "${fileLabel(checkpoint, "added_tokens.json")}": the id ` +
        `of ${describe(text)} is ${describe(id)}, ` +
        "an integer below 1000000 is wanted",
    );
  });
}

function addedByConfig(
  checkpoint: Checkpoint,
  config: JsonObject,
): AddedToken[] {
  const decoder = own(config, "added_tokens_decoder") ?? {};
  const entries = isObject(decoder) ? Object.entries(decoder) : [];
  return entries.map(([key, value]) => {
    const text = isObject(value) ? tokenText(value) : undefined;
    if (/^\d{1,7}$/.test(key) && isId(Number(key)) && text !== undefined) {
      const special = own(value as JsonObject, "special") === true;
      return { id: Number(key), text, special };
    }
    throw new TypeError(
      `Cannot read "${fileLabel(checkpoint, "tokenizer_config.json")}": ` +
        `added token ${describe(key)} has no content or id`,
    );
  });
}
