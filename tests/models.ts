import {
  array,
  bool,
  buildGguf,
  f32,
  type GgufTensor,
  type GgufValue,
  string,
  u32,
} from "./gguf_builder.ts";
import { randomFloats } from "./gpu.ts";
import { quantize } from "./quantize.ts";
import {
  BYTES,
  CONTROLS,
  type MadeByteLevel,
  type MadeToken,
  makeByteLevel,
  makeMetadata,
} from "./vocabularies.ts";

/**
 * The vocabulary of made models: 300 tokens with bytes, letters and the control
 * tokens `<|good|>` and `<|bad|>`.
 */
export const MADE_TOKENS: readonly MadeToken[] = [
  ...CONTROLS,
  ...BYTES,
  ["<|good|>", "control"],
  ["<|bad|>", "control"],
  ...["▁", ..."abcdefghijklmnopqrstuvwxyz", "▁a", "th", "the", "▁the"].map((
    text,
    i,
  ): MadeToken => [text, "normal", text.length * 10 - i]),
  ...["<|user|>", "<|assistant|>", "\n", ".", "!", "ing", "▁on", "é"].map((
    text,
    i,
  ): MadeToken => [text, "normal", text.length * 10 - i]),
];

/** What {@linkcode makeModel} makes. */
export interface MadeModelOptions {
  /** Width of the residual stream. Defaults to 32. */
  dim?: number;
  /** Width of the feed-forward blocks. Defaults to 64. */
  hiddenDim?: number;
  /** Defaults to 2. */
  layers?: number;
  /** Defaults to 4. */
  heads?: number;
  /** Defaults to 2. */
  kvHeads?: number;
  /** Written as key and value length. Defaults to `dim / heads`, unwritten. */
  headDim?: number;
  /** Defaults to 64. */
  contextLength?: number;
  /** Keys that a row attends to. Defaults to all, unwritten. */
  slidingWindow?: number;
  /** Format of the matrices, by name if they differ. Defaults to `"F32"`. */
  format?: string | ((name: string) => string);
  /** Whether the head is the embedding. Defaults to `false`. */
  tied?: boolean;
  /** Values of `rope_freqs.weight`. Defaults to none. */
  ropeFreqs?: readonly number[];
  /** Values of `rope_factors_short.weight` and `_long`. Default to none. */
  ropeFactors?: { short: readonly number[]; long: readonly number[] };
  /** Dimensions of a head that are rotated. Defaults to all, unwritten. */
  ropeDims?: number;
  /** Defaults to `MADE_TOKENS`. */
  tokens?: readonly MadeToken[];
  /** A byte-level vocabulary in place of `tokens`. Defaults to none. */
  byteLevel?: MadeByteLevel;
  /** Keys to add or, where `undefined`, to leave out. */
  metadata?: Readonly<Record<string, GgufValue | undefined>>;
  /** Changes the tensors, to break them. */
  change?: (tensors: GgufTensor[]) => GgufTensor[];
  /** Seed of the weights. Defaults to 1. */
  seed?: number;
}

/** Writes a small Llama with random weights as a GGUF file. */
export function makeModel(
  options: MadeModelOptions = {},
): Uint8Array<ArrayBuffer> {
  const { change = (tensors) => tensors, metadata: others = {} } = options;
  const metadata = { ...makeHeader(options), ...others };
  return buildGguf({
    metadata: Object.entries(metadata).filter((entry) =>
      entry[1] !== undefined
    ) as [string, GgufValue][],
    tensors: change(makeTensors(options)),
  });
}

function makeHeader(options: MadeModelOptions): Record<string, GgufValue> {
  const { dim, hiddenDim, layers, heads, kvHeads } = withDefaults(options);
  const { headDim, ropeDims, slidingWindow, contextLength = 64 } = options;
  return {
    "general.architecture": string("llama"),
    "llama.context_length": u32(contextLength),
    "llama.embedding_length": u32(dim),
    "llama.block_count": u32(layers),
    "llama.feed_forward_length": u32(hiddenDim),
    "llama.attention.head_count": u32(heads),
    "llama.attention.head_count_kv": u32(kvHeads),
    "llama.attention.layer_norm_rms_epsilon": f32(1e-5),
    "llama.rope.freq_base": f32(10000),
    ...(headDim !== undefined && {
      "llama.attention.key_length": u32(headDim),
      "llama.attention.value_length": u32(headDim),
    }),
    ...(slidingWindow !== undefined && {
      "llama.attention.sliding_window": u32(slidingWindow),
    }),
    ...(ropeDims !== undefined && {
      "llama.rope.dimension_count": u32(ropeDims),
    }),
    ...makeVocabulary(options),
  };
}

function makeVocabulary(options: MadeModelOptions): Record<string, GgufValue> {
  const { tokens = MADE_TOKENS, byteLevel } = options;
  const metadata = byteLevel ? makeByteLevel(byteLevel) : makeMetadata(tokens);
  const values: Record<string, GgufValue> = {};
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value === "string") values[key] = string(value);
    else if (typeof value === "number") values[key] = u32(value);
    else if (typeof value === "boolean") values[key] = bool(value);
    else values[key] = array(elementType(key), value as string[]);
  }
  return values;
}

function elementType(key: string): "f32" | "i32" | "string" {
  if (key === "tokenizer.ggml.scores") return "f32";
  return key === "tokenizer.ggml.token_type" ? "i32" : "string";
}

function withDefaults(options: MadeModelOptions) {
  const { dim = 32, hiddenDim = 64, layers = 2, heads = 4, kvHeads = 2 } =
    options;
  const { headDim = dim / heads, tokens = MADE_TOKENS, byteLevel } = options;
  const texts = byteLevel && makeByteLevel(byteLevel)["tokenizer.ggml.tokens"];
  const vocabulary = (texts as string[] | undefined ?? tokens).length;
  return { dim, hiddenDim, layers, heads, kvHeads, headDim, vocabulary };
}

function makeTensors(options: MadeModelOptions): GgufTensor[] {
  const { dim, hiddenDim, layers, heads, kvHeads, headDim, vocabulary } =
    withDefaults(options);
  const { format = "F32", tied = false, ropeFreqs, seed = 1 } = options;
  const tensors: GgufTensor[] = [];
  const random = (length: number) =>
    randomFloats(length, seed * 1000 + tensors.length);

  const matrix = (name: string, rows: number, cols: number) => {
    const type = typeof format === "string" ? format : format(name);
    // Outputs as large as inputs, so that nothing grows from layer to layer.
    const values = random(rows * cols).map((x) => x * Math.sqrt(3 / cols));
    const data = quantize(type, values);
    tensors.push({ name, shape: [cols, rows], format: type, data });
  };
  const vector = (name: string, values: ArrayLike<number>) => {
    const data = quantize("F32", values);
    tensors.push({ name, shape: [values.length], format: "F32", data });
  };
  const norm = (name: string) =>
    vector(name, random(dim).map((x) => 1 + x / 4));

  matrix("token_embd.weight", vocabulary, dim);
  for (let i = 0; i < layers; i++) {
    norm(`blk.${i}.attn_norm.weight`);
    matrix(`blk.${i}.attn_q.weight`, heads * headDim, dim);
    matrix(`blk.${i}.attn_k.weight`, kvHeads * headDim, dim);
    matrix(`blk.${i}.attn_v.weight`, kvHeads * headDim, dim);
    matrix(`blk.${i}.attn_output.weight`, dim, heads * headDim);
    norm(`blk.${i}.ffn_norm.weight`);
    matrix(`blk.${i}.ffn_gate.weight`, hiddenDim, dim);
    matrix(`blk.${i}.ffn_up.weight`, hiddenDim, dim);
    matrix(`blk.${i}.ffn_down.weight`, dim, hiddenDim);
  }
  norm("output_norm.weight");
  if (!tied) matrix("output.weight", vocabulary, dim);
  if (ropeFreqs !== undefined) vector("rope_freqs.weight", ropeFreqs);
  for (const [name, factors] of Object.entries(options.ropeFactors ?? {})) {
    vector(`rope_factors_${name}.weight`, factors);
  }
  return tensors;
}

/** Ids without a pattern, the first one BOS. */
export function madeIds(length: number, size = MADE_TOKENS.length): number[] {
  return Array.from(
    { length },
    (_, i) => i === 0 ? 1 : 3 + (i * 7919 + 13) % (size - 3),
  );
}
