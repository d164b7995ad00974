import {
  getNumber,
  getString,
  type Metadata,
  requireNumber,
} from "../gguf/metadata.ts";
import type { GgufFile } from "../gguf/reader.ts";

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
  /** Positions are divided by this (linear scaling), 1 without scaling. */
  readonly ropeFactor: number;
}

const ARCHITECTURE = "llama";

/**
 * Reads the hyperparameters of a Llama from GGUF metadata.
 *
 * @param file The file's header.
 * @returns The hyperparameters, consistent with each other.
 * @throws {Error} If the architecture or a variant of it is not supported.
 * @throws {TypeError} If a key is missing or has the wrong type.
 * @throws {RangeError} If a value makes no sense.
 */
export function readConfig(
  { label, metadata, tensors }: GgufFile,
): LlamaConfig {
  const architecture = getString(metadata, "general.architecture");
  if (architecture !== ARCHITECTURE) {
    throw new Error(
      `Cannot load "${label}": its architecture is ${
        architecture === undefined ? "missing" : `"${architecture}"`
      }, "${ARCHITECTURE}" is wanted`,
    );
  }
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
    contextLength: count(metadata, "context_length"),
    slidingWindow: slidingWindow(metadata),
    normEps: requireNumber(metadata, "llama.attention.layer_norm_rms_epsilon"),
    ropeDims: count(metadata, "rope.dimension_count", headDim),
    ropeBase: getNumber(metadata, "llama.rope.freq_base") ?? 10000,
    ropeFactor: ropeFactor(label, metadata),
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

function refuseVariants(label: string, metadata: Metadata): void {
  const experts = getNumber(metadata, "llama.expert_count") ?? 0;
  if (experts > 0) {
    throw new Error(
      `Cannot load "${label}": it is a mixture of ${experts} experts, a dense model is wanted`,
    );
  }
}

function ropeFactor(label: string, metadata: Metadata): number {
  const type = getString(metadata, "llama.rope.scaling.type") ?? "none";
  const legacy = getNumber(metadata, "llama.rope.scale_linear");
  if (type !== "none" && type !== "linear") {
    throw new Error(
      `Cannot load "${label}": its RoPE scaling is "${type}", "none" or "linear" is wanted`,
    );
  }
  const factor = getNumber(metadata, "llama.rope.scaling.factor") ?? legacy;
  if (factor === undefined || (type === "none" && legacy === undefined)) {
    return 1;
  }
  if (!(factor >= 0 && Number.isFinite(factor))) {
    throw new RangeError(
      `Cannot read "llama.rope.scaling.factor": it is ${factor}, a positive number is wanted`,
    );
  }
  return factor === 0 ? 1 : factor; // 0 is how some files spell "none"
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
