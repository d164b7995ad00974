import type { GgufField } from "../gguf/field.ts";
import type { CheckpointConfig } from "./config.ts";
import { type JsonObject, own } from "./json.ts";
import {
  type ModelName,
  parseModelName,
  sizeLabel,
  toTitle,
} from "./model_name.ts";

/** What the metadata of a file is made of, besides its tokenizer. */
export interface ModelFacts {
  /** `config.json` */
  readonly config: CheckpointConfig;
  /** `generation_config.json`; empty where there is none. */
  readonly generation: JsonObject;
  /** Rotary embedding, from `convertRope()`. */
  readonly rope: readonly GgufField[];
  /** Weights of all tensors. */
  readonly parameters: number;
  /** llama.cpp's number for the mix of formats. */
  readonly fileType: number;
  /** What to call the model. Defaults to what the files say. */
  readonly name?: string | undefined;
  /** What its folder or repository is called. */
  readonly folder: string;
}

/** ggml's version of the block formats. */
const QUANTIZATION_VERSION = 2;

/** How to sample, by names of `generation_config.json` and types of GGUF. */
const SAMPLING: readonly [name: string, key: string, type: "i32" | "f32"][] = [
  ["top_k", "top_k", "i32"],
  ["top_p", "top_p", "f32"],
  ["min_p", "min_p", "f32"],
  ["temperature", "temp", "f32"],
];

/**
 * The metadata that stands before the tokenizer's, with the keys, the types and
 * the order of llama.cpp's converter.
 *
 * @param facts What it is made of.
 * @returns The fields.
 */
export function modelFields(facts: ModelFacts): GgufField[] {
  const { config, rope, fileType } = facts;
  const { shape, headDim, slidingWindow } = config;
  return [
    text("general.architecture", "llama"),
    text("general.type", "model"),
    ...samplingFields(facts.generation),
    ...nameFields(facts),
    u32("llama.block_count", config.layers),
    u32("llama.context_length", config.contextLength),
    u32("llama.embedding_length", shape.dim),
    u32("llama.feed_forward_length", shape.hiddenDim),
    u32("llama.attention.head_count", config.heads),
    u32("llama.attention.head_count_kv", config.kvHeads),
    ...rope,
    f32("llama.rope.freq_base", config.ropeBase),
    f32("llama.attention.layer_norm_rms_epsilon", config.normEps),
    u32("llama.attention.key_length", headDim),
    u32("llama.attention.value_length", headDim),
    ...(slidingWindow === undefined
      ? []
      : [u32("llama.attention.sliding_window", slidingWindow)]),
    u32("general.file_type", fileType),
    u32("llama.vocab_size", shape.vocabulary),
    u32("llama.rope.dimension_count", headDim),
    u32("general.quantization_version", QUANTIZATION_VERSION),
  ];
}

function samplingFields(generation: JsonObject): GgufField[] {
  return SAMPLING.flatMap(([name, key, type]): GgufField[] => {
    const value = own(generation, name);
    const isNumber = type === "i32"
      ? Number.isInteger(value) && Math.abs(value as number) < 2 ** 31
      : Number.isFinite(value);
    if (!isNumber) return [];
    return [{ key: `general.sampling.${key}`, type, value: value as number }];
  });
}

/** What the configuration says comes before the name of the folder. */
function nameFields({ config, name, folder, parameters }: ModelFacts) {
  const path = own(config.json, "_name_or_path");
  const isName = typeof path === "string" && path.split("/").length <= 2;
  const sources = [isName ? path : "", folder]
    .map((id) => parseModelName(id, parameters));
  const pick = (key: keyof ModelName) =>
    sources.find((source) => source[key] !== undefined)?.[key];
  const title = (value: string | undefined) =>
    value === undefined ? undefined : toTitle(value);
  const fields: [string, string | undefined][] = [
    ["name", name ?? title(pick("name")) ?? folder],
    ["version", pick("version")],
    ["organization", title(pick("organization"))],
    ["finetune", pick("finetune")],
    ["basename", pick("basename")],
    ["size_label", pick("sizeLabel") ?? sizeLabel(parameters)],
  ];
  return fields.flatMap(([key, value]) =>
    value === undefined ? [] : [text(`general.${key}`, value)]
  );
}

function text(key: string, value: string): GgufField {
  return { key, type: "string", value };
}

function u32(key: string, value: number): GgufField {
  return { key, type: "u32", value };
}

function f32(key: string, value: number): GgufField {
  return { key, type: "f32", value };
}
