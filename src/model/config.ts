import { getNumber, type Metadata, requireNumber } from "../gguf/metadata.ts";
import type { GgufFile } from "../gguf/reader.ts";
import type { RopeScaling } from "../kernels/rope_scaling.ts";
import { readRope, type RopeScalingOptions } from "./rope.ts";

/** Hyperparameters of a Llama, all read from the file. */
export interface LlamaConfig {
  /** Width of the residual stream. */
  readonly dim: number;
  /** Width of the feed-forward blocks. */
  readonly hiddenDim: number;
  /** Transformer layers. */
  readonly layers: number;
  /** Query heads. */
  readonly heads: number;
  /** Key and value heads, a divisor of `heads`. */
  readonly kvHeads: number;
  /** Size of a head. */
  readonly headDim: number;
  /** Rows of the embedding and of the head. */
  readonly vocabularySize: number;
  /** Positions the model was trained on. */
  readonly contextLength: number;
  /** Keys that a row attends to, its own the last; `Infinity` where all. */
  readonly slidingWindow: number;
  /** Added to the mean square in RMSNorm. */
  readonly normEps: number;
  /** Dimensions of a head that rotary embedding turns. */
  readonly ropeDims: number;
  /** Base of the rotary frequencies. */
  readonly ropeBase: number;
  /** How they are stretched over more positions. */
  readonly ropeScaling: RopeScaling;
}

const ARCHITECTURE = "llama";

/**
 * Reads the hyperparameters of a Llama from GGUF metadata.
 *
 * @param file The file's header.
 * @param rope What to take in place of what it says of rotary embedding.
 * @returns The hyperparameters, consistent with each other.
 * @throws {Error} If it is a variant of a Llama that is not supported.
 * @throws {TypeError} If a key is missing or has the wrong type.
 * @throws {RangeError} If a value makes no sense.
 */
export function readConfig(
  { label, metadata, tensors }: GgufFile,
  rope?: RopeScalingOptions,
): LlamaConfig {
  refuseVariants(label, metadata);
  const dim = count(metadata, "embedding_length");
  const heads = count(metadata, "attention.head_count");
  const kvHeads = count(metadata, "attention.head_count_kv", heads);
  const headDim = count(metadata, "attention.key_length", dim / heads);
  const valueDim = count(metadata, "attention.value_length", dim / heads);
  if (headDim !== valueDim) {
    throw new Error(
      `Cannot load "${label}": its heads have keys of ${headDim} and values of ${valueDim}, equal sizes are wanted`,
    );
  }
  const context = count(metadata, "context_length");
  const embedding = tensors.get("token_embd.weight");
  const tokens = metadata["tokenizer.ggml.tokens"];
  const config: LlamaConfig = {
    dim,
    hiddenDim: count(metadata, "feed_forward_length"),
    layers: count(metadata, "block_count"),
    heads,
    kvHeads,
    headDim,
    // Without an embedding any size will do: findTensors() says what is missing.
    vocabularySize: embedding?.shape[1] ??
      count(metadata, "vocab_size", Array.isArray(tokens) ? tokens.length : 1),
    contextLength: context,
    slidingWindow: slidingWindow(metadata),
    normEps: requireNumber(metadata, "llama.attention.layer_norm_rms_epsilon"),
    ropeDims: count(metadata, "rope.dimension_count", headDim),
    ...readRope({ label, metadata, tensors }, context, rope),
  };
  checkConfig(label, metadata, config);
  return config;
}

/** Reads `llama.<name>`, a positive integer. */
function count(metadata: Metadata, name: string, otherwise?: number): number {
  const key = `${ARCHITECTURE}.${name}`;
  const value = getNumber(metadata, key) ?? otherwise ??
    requireNumber(metadata, key);
  if (!Number.isInteger(value) || value <= 0 || value > 2 ** 31) {
    throw new RangeError(
      `Cannot read "${key}": it is ${value}, a positive integer is wanted`,
    );
  }
  return value;
}

function slidingWindow(metadata: Metadata): number {
  const name = "attention.sliding_window";
  const value = getNumber(metadata, `${ARCHITECTURE}.${name}`) ?? 0;
  // 0 is how some files spell "none".
  return value === 0 ? Infinity : count(metadata, name);
}

/** Keys of models that compute something else, by the value that does nothing. */
const VARIANTS: Readonly<Record<string, number | boolean>> = {
  "attention.causal": true,
  "attention.clamp_kqv": 0,
  "attention.logit_softcapping": 0,
  "attention.scale": 0,
  "attn_logit_softcapping": 0,
  "embedding_scale": 1,
  "final_logit_softcapping": 0,
  "logit_scale": 1,
  "residual_scale": 1,
  "use_parallel_residual": false,
};

function refuseVariants(label: string, metadata: Metadata): void {
  const experts = getNumber(metadata, "llama.expert_count") ?? 0;
  if (experts > 0) {
    throw new Error(
      `Cannot load "${label}": it is a mixture of ${experts} experts, a dense model is wanted`,
    );
  }
  for (const [name, idle] of Object.entries(VARIANTS)) {
    const key = `${ARCHITECTURE}.${name}`;
    const value = Object.hasOwn(metadata, key) ? metadata[key] : idle;
    // 0 is how some files spell "none".
    if (value === idle || value === 0) continue;
    throw new Error(
      `Cannot load "${label}": its "${key}" is ${value}, a model without is wanted`,
    );
  }
}

function checkConfig(
  label: string,
  metadata: Metadata,
  config: LlamaConfig,
): void {
  const { heads, kvHeads, headDim, ropeDims, ropeBase, normEps } = config;
  const problem = heads % kvHeads !== 0
    ? `${heads} heads on ${kvHeads} KV heads, a multiple is wanted`
    : headDim % 2 !== 0 || headDim > 256
    ? `heads of ${headDim}, an even size up to 256 is wanted`
    : ropeDims % 2 !== 0 || ropeDims > headDim
    ? `RoPE over ${ropeDims} dimensions, an even number up to ${headDim} is wanted`
    : !(ropeBase > 0 && Number.isFinite(ropeBase))
    ? `a RoPE base of ${ropeBase}, a positive number is wanted`
    : !(normEps >= 0 && Number.isFinite(normEps))
    ? `an RMSNorm epsilon of ${normEps}, a number from 0 on is wanted`
    : undefined;
  if (problem !== undefined) {
    throw new RangeError(`Cannot load "${label}": it has ${problem}`);
  }
  const tokens = metadata["tokenizer.ggml.tokens"];
  if (Array.isArray(tokens) && tokens.length > config.vocabularySize) {
    throw new RangeError(
      `Cannot load "${label}": it has ${tokens.length} tokens, but embeddings of ${config.vocabularySize}`,
    );
  }
}
