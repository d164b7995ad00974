import type { GgufField } from "../gguf/field.ts";
import { type CheckpointConfig, Values } from "./config.ts";
import { describe, own } from "./json.ts";

/** What rotary embedding comes to in a GGUF file. */
export interface RopeFields {
  /** The metadata. */
  readonly fields: readonly GgufField[];
  /** What `rope_freqs.weight` is to hold, `undefined` where there is none. */
  readonly frequencies: Float32Array | undefined;
  /** What is lost, if anything. */
  readonly warning?: string;
}

const PREFIX = "llama.rope.scaling";

/**
 * Turns a checkpoint's rotary embedding into what llama.cpp's converter writes
 * of it: metadata for linear scaling and YaRN, divisors of the frequencies for
 * Llama 3.
 *
 * @param config The checkpoint's configuration.
 * @returns The metadata and the divisors.
 * @throws {Error} If it is of a kind that Llamas do not have.
 * @throws {TypeError | RangeError} If a value is wrong.
 */
export function convertRope(config: CheckpointConfig): RopeFields {
  const { ropeScaling, label } = config;
  const read = new Values(ropeScaling, label);
  const type = own(ropeScaling, "rope_type") ?? own(ropeScaling, "type") ??
    "default";
  switch (type) {
    case "default":
      return { fields: [], frequencies: undefined };
    case "linear":
      return {
        fields: scaling("linear", read.positive("factor")),
        frequencies: undefined,
      };
    case "dynamic":
      return {
        fields: [],
        frequencies: undefined,
        warning: "dynamic RoPE scaling has no form in GGUF: positions beyond " +
          `${config.contextLength} are not scaled`,
      };
    case "yarn":
      return { fields: yarn(read, config), frequencies: undefined };
    case "llama3":
      return { fields: [], frequencies: llama3(read, config) };
    default:
      throw new Error(
        `Cannot convert "${label}": its RoPE scaling is ${describe(type)}, ` +
          "default, linear, dynamic, yarn or llama3 is wanted",
      );
  }
}

function scaling(type: string, factor: number): GgufField[] {
  return [
    { key: `${PREFIX}.type`, type: "string", value: type },
    { key: `${PREFIX}.factor`, type: "f32", value: factor },
  ];
}

/** GGUF's names of YaRN's parameters, by those of checkpoints. */
const YARN: readonly [key: string, names: readonly string[]][] = [
  ["yarn_ext_factor", ["extrapolation_factor"]],
  ["yarn_attn_factor", ["attention_factor", "attn_factor"]],
  ["yarn_beta_fast", ["beta_fast"]],
  ["yarn_beta_slow", ["beta_slow"]],
];

function yarn(read: Values, { contextLength }: CheckpointConfig): GgufField[] {
  const original = read.count(
    "original_max_position_embeddings",
    contextLength,
  );
  return [
    ...scaling("yarn", read.positive("factor")),
    {
      key: `${PREFIX}.original_context_length`,
      type: "u32",
      value: original,
    },
    ...YARN.flatMap(([key, names]): GgufField[] => {
      const name = names.find((name) => own(read.json, name) !== undefined);
      if (name === undefined) return [];
      return [{
        key: `${PREFIX}.${key}`,
        type: "f32",
        value: read.number(name),
      }];
    }),
  ];
}

/** Divisors of the frequencies: 1 for fast ones, the factor for slow ones. */
function llama3(
  read: Values,
  { headDim, ropeBase }: CheckpointConfig,
): Float32Array {
  const factor = read.number("factor", 8);
  const low = read.number("low_freq_factor", 1);
  const high = read.number("high_freq_factor", 4);
  const original = read.count("original_max_position_embeddings", 8192);
  if (!(factor > 0 && low > 0 && high > low)) {
    throw new RangeError(
      `Cannot read "${read.label}": its RoPE scaling has the factors ` +
        `${factor}, ${low} and ${high}, positive ones with the last above ` +
        "the second are wanted",
    );
  }
  return Float32Array.from({ length: headDim / 2 }, (_, i) => {
    const turns = original / (2 * Math.PI * ropeBase ** (2 * i / headDim));
    if (turns > high) return 1;
    if (turns < low) return factor;
    const smooth = (turns - low) / (high - low);
    return 1 / ((1 - smooth) / factor + smooth);
  });
}
