import { join } from "node:path";
import { type GgufFile, readGguf } from "../../src/gguf/reader.ts";
import { type ByteSource, openSource } from "../../src/gguf/source.ts";
import { writePytorch } from "./pytorch.ts";
import { type MadeTensor, writeSafetensors } from "./safetensors.ts";
import {
  type MadeVocabulary,
  sentencePieceModel,
  tokenizerJson,
} from "./tokenizer.ts";
import { type MadeShape, randomTensors, tensorsOfGguf } from "./weights.ts";

/** What {@linkcode makeCheckpoint} makes. */
export interface MadeCheckpointOptions {
  /** GGUF file whose vocabulary it has and, without a shape, whose weights. */
  gguf: string | URL;
  /** Shape of random weights. Defaults to the weights of the file. */
  shape?: Partial<MadeShape> | undefined;
  /** Type of the weights. Defaults to `"F32"`, of random ones to `"BF16"`. */
  dtype?: string | undefined;
  /** Kind of the files. Defaults to `"safetensors"`. */
  format?: "safetensors" | "pytorch" | undefined;
  /** How many files; with 1 there is no index. Defaults to 1. */
  shards?: number | undefined;
  /** Which files the tokenizer has. Defaults to both. */
  tokenizer?: "model" | "json" | "both" | undefined;
  /** Changes `config.json`. */
  config?: Record<string, unknown> | undefined;
  /** Other files to write, or with `undefined` to leave out. */
  files?: Record<string, string | Uint8Array | undefined> | undefined;
  /** Changes the tensors. */
  change?: ((tensors: MadeTensor[]) => MadeTensor[]) | undefined;
  /** Seed of random weights. Defaults to 1. */
  seed?: number | undefined;
}

/** Tokens that are special by their texts, with their ids. */
const ADDED = /^<\|(?:good|bad)\|>$/;

/**
 * Writes a checkpoint as transformers writes that of a Llama.
 *
 * @param folder An empty folder.
 * @param options What to make.
 * @returns The shape of the model.
 */
export async function makeCheckpoint(
  folder: string,
  options: MadeCheckpointOptions,
): Promise<MadeShape> {
  await using source = await openSource(options.gguf);
  const file = await readGguf(source);
  const shape = shapeOf(file, options);
  await writeTexts(folder, filesOf(file, shape, options));
  await writeShards(
    folder,
    weightsOf(file, source, { shape, options }),
    options,
  );
  return shape;
}

function weightsOf(
  file: GgufFile,
  source: ByteSource,
  { shape, options }: { shape: MadeShape; options: MadeCheckpointOptions },
): MadeTensor[] {
  const { dtype, seed = 1, change = (tensors) => tensors } = options;
  return change(
    options.shape === undefined
      ? tensorsOfGguf(file, source, { shape, dtype: dtype ?? "F32" })
      : randomTensors(shape, { dtype: dtype ?? "BF16", seed }),
  );
}

function shapeOf(
  { metadata, tensors }: GgufFile,
  { shape }: MadeCheckpointOptions,
): MadeShape {
  const number = (name: string) => Number(metadata[`llama.${name}`]);
  const tokens = metadata["tokenizer.ggml.tokens"] as string[];
  const found = {
    dim: number("embedding_length"),
    hiddenDim: number("feed_forward_length"),
    layers: number("block_count"),
    heads: number("attention.head_count"),
    kvHeads: number("attention.head_count_kv"),
    vocabulary: tokens.length,
    tied: !tensors.has("output.weight"),
    ...shape,
  };
  return { headDim: found.dim / found.heads, ...found };
}

function filesOf(
  { metadata }: GgufFile,
  shape: MadeShape,
  options: MadeCheckpointOptions,
): Record<string, string | Uint8Array | undefined> {
  const { tokenizer = "both", dtype } = options;
  const read = (name: string) => metadata[`tokenizer.ggml.${name}`];
  const texts = read("tokens") as string[];
  const added = Object.fromEntries(
    texts.flatMap((text, id) => ADDED.test(text) ? [[text, id]] : []),
  );
  const size = texts.length - Object.keys(added).length;
  const vocabulary: MadeVocabulary = {
    tokens: texts.slice(0, size),
    scores: read("scores") as number[],
    types: read("token_type") as number[],
  };
  const json = (value: unknown) => JSON.stringify(value, null, 2) + "\n";
  const special = (content: string) => ({
    content,
    lstrip: false,
    normalized: true,
    rstrip: false,
    "single_word": false,
  });
  const template = metadata["tokenizer.chat_template"];
  return {
    "config.json": json(configOf(metadata, shape, { dtype, options })),
    "generation_config.json": json({
      _from_model_config: true,
      bos_token_id: 1,
      eos_token_id: 2,
      transformers_version: "4.35.2",
    }),
    "special_tokens_map.json": json({
      ...(Object.keys(added).length > 0 &&
        { additional_special_tokens: Object.keys(added) }),
      bos_token: special("<s>"),
      eos_token: special("</s>"),
      unk_token: special("<unk>"),
    }),
    "tokenizer_config.json": json({
      add_bos_token: true,
      add_eos_token: false,
      added_tokens_decoder: Object.fromEntries(
        Object.entries(added).map(([text, id]) => [id, {
          ...special(text),
          normalized: false,
          special: true,
        }]),
      ),
      bos_token: "<s>",
      ...(typeof template === "string" && { chat_template: template }),
      clean_up_tokenization_spaces: false,
      eos_token: "</s>",
      model_max_length: 2048,
      tokenizer_class: "LlamaTokenizer",
      unk_token: "<unk>",
    }),
    ...(Object.keys(added).length > 0 && { "added_tokens.json": json(added) }),
    ...(tokenizer !== "json" &&
      { "tokenizer.model": sentencePieceModel(vocabulary) }),
    ...(tokenizer !== "model" &&
      { "tokenizer.json": tokenizerJson(vocabulary, added) }),
    ...options.files,
  };
}

function configOf(
  metadata: GgufFile["metadata"],
  shape: MadeShape,
  { dtype, options }: {
    dtype: string | undefined;
    options: MadeCheckpointOptions;
  },
): Record<string, unknown> {
  const number = (name: string) => Number(metadata[`llama.${name}`]);
  const types: Record<string, string> = { F32: "float32", F16: "float16" };
  return {
    architectures: ["LlamaForCausalLM"],
    attention_bias: false,
    bos_token_id: 1,
    eos_token_id: 2,
    ...(shape.headDim !== shape.dim / shape.heads &&
      { head_dim: shape.headDim }),
    hidden_act: "silu",
    hidden_size: shape.dim,
    initializer_range: 0.02,
    intermediate_size: shape.hiddenDim,
    max_position_embeddings: number("context_length"),
    model_type: "llama",
    num_attention_heads: shape.heads,
    num_hidden_layers: shape.layers,
    num_key_value_heads: shape.kvHeads,
    pretraining_tp: 1,
    rms_norm_eps: Number(
      number("attention.layer_norm_rms_epsilon").toPrecision(6),
    ),
    rope_scaling: null,
    rope_theta: number("rope.freq_base"),
    tie_word_embeddings: shape.tied,
    torch_dtype: types[dtype ?? "BF16"] ?? "bfloat16",
    transformers_version: "4.35.2",
    use_cache: true,
    vocab_size: shape.vocabulary,
    ...options.config,
  };
}

async function writeTexts(
  folder: string,
  files: Record<string, string | Uint8Array | undefined>,
): Promise<void> {
  const encoder = new TextEncoder();
  for (const [name, value] of Object.entries(files)) {
    if (value === undefined) continue;
    const bytes = typeof value === "string" ? encoder.encode(value) : value;
    await Deno.writeFile(join(folder, name), bytes);
  }
}

async function writeShards(
  folder: string,
  tensors: readonly MadeTensor[],
  { format = "safetensors", shards = 1 }: MadeCheckpointOptions,
): Promise<void> {
  const [base, extension, write] = format === "pytorch"
    ? ["pytorch_model", "bin", writePytorch] as const
    : ["model", "safetensors", writeSafetensors] as const;
  if (shards === 1) {
    return await write(join(folder, `${base}.${extension}`), tensors);
  }
  const total = tensors.reduce((sum, { bytes }) => sum + bytes, 0);
  const parts: MadeTensor[][] = Array.from({ length: shards }, () => []);
  let before = 0;
  for (const tensor of tensors) {
    parts[Math.min(shards - 1, Math.floor(before / total * shards))]!
      .push(tensor);
    before += tensor.bytes;
  }
  const number = (n: number) => String(n).padStart(5, "0");
  const map: Record<string, string> = {};
  for (const [i, part] of parts.entries()) {
    const name = `${base}-${number(i + 1)}-of-${number(shards)}.${extension}`;
    await write(join(folder, name), part);
    for (const tensor of part) map[tensor.name] = name;
  }
  await Deno.writeTextFile(
    join(folder, `${base}.${extension}.index.json`),
    JSON.stringify(
      { metadata: { total_size: total }, weight_map: map },
      null,
      2,
    ),
  );
}
