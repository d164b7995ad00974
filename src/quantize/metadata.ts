import type { GgufField } from "../gguf/field.ts";
import type { Metadata } from "../gguf/metadata.ts";
import type { ImportanceMatrix } from "./importance.ts";
import type { MixModel } from "./mix_rules.ts";
import { layerOf } from "./tensor_roles.ts";
import type { QuantizationType } from "./types.ts";

/** ggml's version of the block formats. */
const QUANTIZATION_VERSION = 2;

/** What only a split file says. */
const SPLIT_KEYS = ["split.no", "split.count", "split.tensors.count"];

/** Longer texts are cut by llama.cpp, which keeps them in 128 bytes. */
const MAX_TEXT_BYTES = 127;

/**
 * The metadata of a quantized file, as llama.cpp writes it: that of the file
 * that it was made of, with what was done at the end.
 *
 * @param fields The metadata of the file that is quantized.
 * @param type What it is quantized to.
 * @param matrix The importance matrix, if one is used.
 * @returns The fields.
 */
export function quantizedFields(
  fields: readonly GgufField[],
  type: QuantizationType,
  matrix: ImportanceMatrix | undefined,
): GgufField[] {
  const added: GgufField[] = [
    {
      key: "general.quantization_version",
      type: "u32",
      value: QUANTIZATION_VERSION,
    },
    { key: "general.file_type", type: "u32", value: type.fileType },
    ...(matrix === undefined ? [] : importanceFields(matrix)),
  ];
  const replaced = new Set([...added.map(({ key }) => key), ...SPLIT_KEYS]);
  return [...fields.filter(({ key }) => !replaced.has(key)), ...added];
}

function importanceFields(
  { label, dataset, chunks, entries }: ImportanceMatrix,
): GgufField[] {
  const text = (key: string, value: string): GgufField => ({
    key,
    type: "string",
    value: cut(value),
  });
  const count = (key: string, value: number): GgufField => ({
    key,
    type: "i32",
    value,
  });
  return [
    text("quantize.imatrix.file", label),
    ...(dataset === undefined
      ? []
      : [text("quantize.imatrix.dataset", dataset)]),
    count("quantize.imatrix.entries_count", entries.size),
    ...(chunks > 0 ? [count("quantize.imatrix.chunks_count", chunks)] : []),
  ];
}

/** Cuts a text between two characters. */
function cut(text: string): string {
  const bytes = new Uint8Array(MAX_TEXT_BYTES);
  const { read } = new TextEncoder().encodeInto(text, bytes);
  return text.slice(0, read);
}

/**
 * What a mix depends on.
 *
 * @param metadata The file's metadata.
 * @param tensors Its tensors, for what the metadata does not say.
 * @returns The model's facts.
 */
export function mixModel(
  metadata: Metadata,
  tensors: readonly { name: string }[],
): MixModel {
  const name = metadata["general.architecture"];
  const architecture = typeof name === "string" ? name : "";
  const numberOf = (key: string): number | undefined => {
    const value = metadata[`${architecture}.${key}`];
    // Of some models each layer has its own; the first one counts.
    const first = Array.isArray(value) ? value[0] : value;
    return typeof first === "number" ? first : undefined;
  };
  const heads = numberOf("attention.head_count") ?? 0;
  return {
    architecture,
    layers: numberOf("block_count") ??
      tensors.reduce((n, tensor) => Math.max(n, layerOf(tensor.name) + 1), 0),
    heads,
    kvHeads: numberOf("attention.head_count_kv") ?? heads,
    experts: numberOf("expert_count") ?? 0,
  };
}
