import type { GgufField } from "../gguf/field.ts";
import { isObject, type JsonObject, own } from "./json.ts";
import { type TokenizerFiles, tokenText } from "./tokenizer_files.ts";
import { TOKEN_TYPE, type TokenTable } from "./tokens.ts";

/** GGUF's names of the ids, by those of checkpoints. */
const IDS: readonly [name: string, key: string][] = [
  ["bos", "bos"],
  ["eos", "eos"],
  ["unk", "unknown"],
  ["sep", "seperator"], // as GGUF spells it
  ["pad", "padding"],
  ["mask", "mask"],
];

/** What the ids of special tokens are found by. */
export interface SpecialIdSources {
  /** The tokenizer's files. */
  readonly files: TokenizerFiles;
  /** The tokens. */
  readonly table: TokenTable;
  /** `config.json` */
  readonly config: JsonObject;
  /** `generation_config.json`; empty where there is none. */
  readonly generation: JsonObject;
}

/**
 * Finds which tokens begin, end and fill texts, and whether they are added.
 *
 * A text in the tokenizer's files comes before an id in the model's, as in
 * llama.cpp's converter.
 *
 * @param sources What says so.
 * @returns The metadata.
 */
export function convertSpecialIds(sources: SpecialIdSources): GgufField[] {
  const ids = IDS.flatMap(([name, key]): GgufField[] => {
    const value = findId(name, sources);
    if (value === undefined) return [];
    return [{ key: `tokenizer.ggml.${key}_token_id`, type: "u32", value }];
  });
  const flags = ["bos", "eos"].flatMap((name): GgufField[] => {
    const value = isAdded(name, sources);
    if (value === undefined) return [];
    return [{ key: `tokenizer.ggml.add_${name}_token`, type: "bool", value }];
  });
  return [...ids, ...flags];
}

function findId(name: string, sources: SpecialIdSources): number | undefined {
  const { files, table, config, generation } = sources;
  const idOf = (text: string | undefined) =>
    text === undefined ? undefined : findText(text, files, table);
  const candidates = [
    idOf(textOf(name, files)),
    own(config, `${name}_token_id`),
    own(generation, `${name}_token_id`),
    name === "bos" ? files.model?.bosId : undefined,
    name === "eos" ? files.model?.eosId : undefined,
    idOf(templateToken(name, files)),
  ];
  // Of several ends of a text the first is what a GGUF file calls the end.
  return candidates.map((id) => Array.isArray(id) ? id[0] : id)
    .find((id) => Number.isInteger(id) && id >= 0 && id < table.size);
}

function textOf(
  name: string,
  { config, specials }: TokenizerFiles,
): string | undefined {
  const key = `${name}_token`;
  return tokenText(own(config, key)) ?? tokenText(own(specials, key));
}

/** Text alone does not make a token special. */
function findText(
  text: string,
  { json }: TokenizerFiles,
  { texts, types }: TokenTable,
): number | undefined {
  const added = json?.added.find((token) => token.text === text);
  if (added !== undefined) return added.id;
  const id = texts.indexOf(text);
  const { normal, byte } = TOKEN_TYPE;
  return id < 0 || types[id] === normal || types[id] === byte ? undefined : id;
}

function isAdded(
  name: string,
  sources: SpecialIdSources,
): boolean | undefined {
  const { files, config } = sources;
  // Models of this size of vocabulary say so and do not mean it.
  if (name === "bos" && own(config, "vocab_size") === 49152) return false;
  const flag = own(files.config, `add_${name}_token`);
  const value = typeof flag === "boolean" ? flag : addedByTemplate(name, files);
  // Where there is no such token, adding it would make the file unusable.
  return value === true && findId(name, sources) === undefined ? false : value;
}

function addedByTemplate(
  name: string,
  files: TokenizerFiles,
): boolean | undefined {
  const token = templateToken(name, files);
  if (token === undefined) return undefined;
  const text = textOf(name, files);
  return text === undefined || token === text;
}

/** The token that `tokenizer.json` puts before a text, or after it. */
function templateToken(
  name: string,
  { json }: TokenizerFiles,
): string | undefined {
  const processor = own(json?.json ?? {}, "post_processor");
  if (!isObject(processor)) return undefined;
  const processors = own(processor, "processors") ?? [processor];
  const template = Array.isArray(processors)
    ? processors.find((it) =>
      isObject(it) && own(it, "type") === "TemplateProcessing"
    )
    : undefined;
  const single = isObject(template) ? own(template, "single") : undefined;
  if (!Array.isArray(single) || single.length < 2) return undefined;
  const end = { bos: single[0], eos: single.at(-1) }[name];
  const token = isObject(end) ? own(end, "SpecialToken") : undefined;
  const text = isObject(token) ? own(token, "id") : undefined;
  return typeof text === "string" ? text : undefined;
}
