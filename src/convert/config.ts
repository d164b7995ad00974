import { describe, isObject, type JsonObject, own } from "./json.ts";
import type { LlamaShape } from "./names.ts";

/** What the `config.json` of a Llama says. */
export interface CheckpointConfig {
  /** What errors call the file. */
  readonly label: string;
  /** All of it. */
  readonly json: JsonObject;
  /** Lengths of the tensors' dimensions. */
  readonly shape: LlamaShape;
  /** Transformer layers. */
  readonly layers: number;
  /** Query heads. */
  readonly heads: number;
  /** Key and value heads. */
  readonly kvHeads: number;
  /** Size of a head. */
  readonly headDim: number;
  /** Positions it was trained on. */
  readonly contextLength: number;
  /** Keys that a row attends to; `undefined` where all. */
  readonly slidingWindow: number | undefined;
  /** Added to the mean square in RMSNorm. */
  readonly normEps: number;
  /** Base of the rotary frequencies. */
  readonly ropeBase: number;
  /** How they are stretched, as the file has it; empty where they are not. */
  readonly ropeScaling: JsonObject;
  /** Whether the head is the embedding. */
  readonly tied: boolean;
}

/** Heads are read whole, to put their rows in another order. */
const MAX_HEAD_DIM = 1024;

/** The architectures whose forward pass is a Llama's. */
const ARCHITECTURES: readonly string[] = [
  "LlamaForCausalLM",
  "LLaMAForCausalLM",
  "MistralForCausalLM",
];

/**
 * Reads the configuration of a checkpoint.
 *
 * @param json What stands in `config.json`.
 * @param label What errors call it.
 * @returns The hyperparameters, consistent with each other.
 * @throws {Error} If it is no Llama, or a variant that is not supported.
 * @throws {TypeError} If a value is missing or of another type.
 * @throws {RangeError} If a value makes no sense.
 */
export function readCheckpointConfig(
  json: JsonObject,
  label: string,
): CheckpointConfig {
  const read = new Values(json, label);
  checkArchitecture(read);
  refuseVariants(read);
  const dim = read.count("hidden_size");
  const heads = read.count("num_attention_heads");
  const kvHeads = read.count("num_key_value_heads", heads);
  const headDim = read.count("head_dim", dim / heads);
  if (heads % kvHeads !== 0) {
    throw new RangeError(
      `Cannot convert "${label}": ${heads} heads on ${kvHeads} KV heads, ` +
        "a multiple is wanted",
    );
  }
  if (headDim % 2 !== 0 || headDim > MAX_HEAD_DIM) {
    throw new RangeError(
      `Cannot convert "${label}": its heads have ${headDim} dimensions, ` +
        `an even number up to ${MAX_HEAD_DIM} is wanted`,
    );
  }
  const ropeScaling = readRope(read);
  return {
    label,
    json,
    shape: {
      vocabulary: read.count("vocab_size"),
      dim,
      hiddenDim: read.count("intermediate_size"),
      queries: heads * headDim,
      keys: kvHeads * headDim,
    },
    layers: read.count("num_hidden_layers"),
    heads,
    kvHeads,
    headDim,
    contextLength: read.count("max_position_embeddings", 2048),
    slidingWindow: slidingWindow(read),
    normEps: read.number("rms_norm_eps", 1e-6),
    ropeBase: new Values(ropeScaling, label)
      .positive("rope_theta", read.positive("rope_theta", 10000)),
    ropeScaling,
    tied: own(json, "tie_word_embeddings") === true,
  };
}

/** Reads values of an object, and says where they stand if they are wrong. */
export class Values {
  /**
   * Creates {@linkcode Values}.
   *
   * @param json The object.
   * @param label What errors call its file.
   */
  constructor(readonly json: JsonObject, readonly label: string) {}

  /** A positive integer. */
  count(key: string, otherwise?: number): number {
    const value = own(this.json, key) ?? otherwise;
    const isCount = Number.isInteger(value) && (value as number) > 0 &&
      (value as number) < 2 ** 31;
    return isCount
      ? value as number
      : this.fail(key, value, "a positive integer");
  }

  /** A finite number. */
  number(key: string, otherwise?: number): number {
    const value = own(this.json, key) ?? otherwise;
    const isNumber = Number.isFinite(value) && (value as number) >= 0;
    return isNumber ? value as number : this.fail(key, value, "a number");
  }

  /** A finite number above 0. */
  positive(key: string, otherwise?: number): number {
    const value = this.number(key, otherwise);
    return value > 0 ? value : this.fail(key, value, "a positive number");
  }

  /** Says that a value is not what it is to be. */
  fail(key: string, value: unknown, wanted = "an object"): never {
    const message = `Cannot read "${this.label}": ${key} is ${
      describe(value)
    }, ${wanted} is wanted`;
    throw typeof value === "number"
      ? new RangeError(message)
      : new TypeError(message);
  }
}

function checkArchitecture({ json, label }: Values): void {
  const given = own(json, "architectures");
  const names: readonly unknown[] = Array.isArray(given) ? given : [];
  if (names.length === 1 && ARCHITECTURES.includes(String(names[0]))) return;
  const found = names.length === 0
    ? describe(given)
    : names.slice(0, 8).map(describe).join(", ");
  throw new Error(
    `Cannot convert "${label}": its architecture is ${found}, one of ${
      ARCHITECTURES.join(", ")
    } is wanted`,
  );
}

/** Keys of models that compute something else, by the values that do not. */
const VARIANTS: ReadonlyMap<string, readonly unknown[]> = new Map([
  ["hidden_act", ["silu", "swish", undefined]],
  ["attention_bias", [false, undefined]],
  ["mlp_bias", [false, undefined]],
  ["is_causal", [true, undefined]],
  ["partial_rotary_factor", [1, undefined]],
  ["num_local_experts", [0, undefined]],
  ["quantization_config", [undefined]],
]);

function refuseVariants({ json, label }: Values): void {
  for (const [key, idle] of VARIANTS) {
    const value = own(json, key);
    if (idle.includes(value)) continue;
    const method = isObject(value) ? own(value, "quant_method") : undefined;
    const shown = method === undefined ? describe(value) : describe(method);
    throw new Error(
      `Cannot convert "${label}": its ${key} is ${shown}, ` +
        "a Llama without is wanted",
    );
  }
}

/**
 * How positions become angles. Newer files have it all as `rope_parameters`; a
 * `rope_scaling` beside that was put there by hand, and counts, as it does in
 * transformers.
 */
function readRope(read: Values): JsonObject {
  const [parameters, scaling] = ["rope_parameters", "rope_scaling"].map(
    (key): JsonObject => {
      const value = own(read.json, key) ?? {};
      return isObject(value) ? value : read.fail(key, value);
    },
  ) as [JsonObject, JsonObject];
  const theta = own(parameters, "rope_theta");
  const rope = Object.keys(scaling).length === 0
    ? parameters
    : { ...(theta !== undefined && { "rope_theta": theta }), ...scaling };
  for (const [key, value] of Object.entries(rope)) {
    // Models of several kinds of layers have an object for each kind.
    if (isObject(value)) read.fail(`rope_parameters.${key}`, value, "a number");
  }
  const part = own(rope, "partial_rotary_factor") ?? 1;
  if (part === 1) return rope;
  throw new Error(
    `Cannot convert "${read.label}": its partial_rotary_factor is ${
      describe(part)
    }, a Llama without is wanted`,
  );
}

function slidingWindow(read: Values): number | undefined {
  const { json } = read;
  const isOff = own(json, "sliding_window") === undefined ||
    own(json, "use_sliding_window") === false;
  return isOff ? undefined : read.count("sliding_window");
}
