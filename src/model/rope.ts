import { getNumber, getString, type Metadata } from "../gguf/metadata.ts";
import type { GgufFile } from "../gguf/reader.ts";
import {
  NO_SCALING,
  ROPE_SCALING_TYPES,
  type RopeScaling,
  type RopeScalingType,
} from "../kernels/rope_scaling.ts";
import type { LlamaConfig } from "./config.ts";

/**
 * How rotary embedding is to be stretched, in place of what the file says; what
 * is left out stays as it is there.
 *
 * @example Four times the context that a model was trained on
 * ```ts
 * import { loadModel } from "@seraph/seraph";
 *
 * await using model = await loadModel("models/stories260k-f32.gguf", {
 *   rope: { type: "yarn", factor: 4 },
 *   contextLength: 2048,
 * });
 * console.assert(model.config.contextLength === 512);
 * ```
 */
export interface RopeScalingOptions {
  /**
   * In which way. Defaults to the file's, or to `"linear"` where that is `"none"`
   * and there is a `factor`. `"llama3"` takes the place of a `rope_freqs.weight`
   * in the file, which all others come on top of.
   */
  type?: RopeScalingType | undefined;
  /** Base of the frequencies. Defaults to the file's. */
  base?: number | undefined;
  /**
   * How many times the original context is to be reached. Defaults to the file's.
   */
  factor?: number | undefined;
  /**
   * Positions that were trained before stretching. Defaults to what the file says,
   * or to its context length.
   */
  originalContext?: number | undefined;
  /** Multiplies rotated queries and keys. Defaults to the file's, or 1. */
  attentionFactor?: number | undefined;
  /**
   * YaRN: how much fast frequencies are spared, from 0 to 1. Defaults to the
   * file's, or 1.
   */
  extensionFactor?: number | undefined;
  /** YaRN: turns from which frequencies are kept. Defaults to the file's, or 32. */
  betaFast?: number | undefined;
  /** YaRN: turns up to which they are divided. Defaults to the file's, or 1. */
  betaSlow?: number | undefined;
  /** Llama 3: turns up to which frequencies are divided. Defaults to 1. */
  lowFrequencyFactor?: number | undefined;
  /** Llama 3: turns from which frequencies are kept. Defaults to 4. */
  highFrequencyFactor?: number | undefined;
}

/** The rotary embedding of a model. */
export interface Rope {
  /** Base of the frequencies. */
  ropeBase: number;
  /** How they are stretched. */
  ropeScaling: RopeScaling;
}

/** Where a number comes from, and what it must be. */
type Check = [where: string, value: number, least: number];

/**
 * Reads rotary embedding as llama.cpp does, where a factor without a type is
 * linear, and options take the place of single values.
 *
 * @param file The file's header.
 * @param context The positions that the file names.
 * @param options What to take in place of what the file says.
 * @returns The base and the scaling.
 * @throws {Error} If the file names a type that is not known.
 * @throws {TypeError} If a value is of the wrong type.
 * @throws {RangeError} If a value is out of its range.
 */
export function readRope(
  file: Pick<GgufFile, "label" | "metadata" | "tensors">,
  context: number,
  options: RopeScalingOptions = {},
): Rope {
  const base = number(file.metadata, "rope.freq_base") ?? 10000;
  const { base: ropeBase = base, ...others } = options;
  const ropeScaling = override(readScaling(file, context), others);
  if (options.base !== undefined) {
    check([["rope.base", ropeBase, Number.MIN_VALUE]]);
  }
  if (ropeScaling.type === "yarn" && ropeBase <= 1) {
    throw new RangeError(
      `Cannot load model: the base of YaRN is ${ropeBase}, a number above 1 is wanted`,
    );
  }
  return { ropeBase, ropeScaling };
}

/**
 * The longest context that a model reaches.
 *
 * @param config What it was trained on, and how that is stretched.
 * @returns Positions.
 */
export function longestContext(
  { contextLength, ropeScaling }: LlamaConfig,
): number {
  const { factor, originalContext } = ropeScaling;
  return Math.max(contextLength, Math.round(factor * originalContext));
}

/** What the file says. */
function readScaling(
  { label, metadata, tensors }: Pick<
    GgufFile,
    "label" | "metadata" | "tensors"
  >,
  context: number,
): RopeScaling {
  const scaling = (name: string) => number(metadata, `rope.scaling.${name}`);
  const known = getString(metadata, "llama.rope.scaling.type") ?? "linear";
  if (!isType(known)) {
    throw new Error(
      `Cannot load "${label}": its RoPE scaling is "${known}", one of ${
        ROPE_SCALING_TYPES.join(", ")
      } is wanted`,
    );
  }
  const given = scaling("factor") ?? number(metadata, "rope.scale_linear");
  // The tensor is what the parameters have come to.
  const isDone = known === "llama3" && tensors.has("rope_freqs.weight");
  // 0 is how some files spell "none".
  const factor = known === "none" || isDone || !given ? 1 : given;
  const type = isDone || (known === "linear" && factor === 1) ? "none" : known;
  const extensionFactor = scaling("yarn_ext_factor") ?? 1;
  const without = type === "yarn" && extensionFactor === 0
    ? scaling("yarn_attn_factor") ?? 1
    : 1;
  const others = NO_SCALING;
  return {
    type,
    factor,
    // YaRN calculates with the context that the file names; elsewhere that is
    // what stretching has come to.
    originalContext: scaling("original_context_length") ??
      (type === "yarn" || type === "llama3" ? context : context / factor),
    attentionFactor: (scaling("attn_factor") ?? 1) * without,
    extensionFactor,
    betaFast: scaling("yarn_beta_fast") ?? others.betaFast,
    betaSlow: scaling("yarn_beta_slow") ?? others.betaSlow,
    logMultiplier: scaling("yarn_log_multiplier") ?? others.logMultiplier,
    lowFrequencyFactor: scaling("low_freq_factor") ?? others.lowFrequencyFactor,
    highFrequencyFactor: scaling("high_freq_factor") ??
      others.highFrequencyFactor,
  };
}

/** Puts options in the place of what the file says. */
function override(
  file: RopeScaling,
  options: Omit<RopeScalingOptions, "base">,
): RopeScaling {
  const given = Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as Partial<RopeScaling>;
  const { type = file.type } = given;
  if (!isType(type)) {
    throw new TypeError(
      `Cannot load model: rope.type is "${type}", one of ${
        ROPE_SCALING_TYPES.join(", ")
      } is wanted`,
    );
  }
  const isNew = given.type === undefined && type === "none" &&
    given.factor !== undefined;
  const scaling: RopeScaling = {
    ...file,
    ...given,
    type: isNew ? "linear" : type,
    ...(type === "none" && !isNew && { factor: 1 }),
  };
  check([
    ["rope.factor", scaling.factor, Number.MIN_VALUE],
    ["rope.originalContext", scaling.originalContext, 1],
    ["rope.attentionFactor", scaling.attentionFactor, Number.MIN_VALUE],
    ["rope.extensionFactor", scaling.extensionFactor, 0],
    ["rope.betaFast", scaling.betaFast, Number.MIN_VALUE],
    ["rope.betaSlow", scaling.betaSlow, Number.MIN_VALUE],
    ["rope.lowFrequencyFactor", scaling.lowFrequencyFactor, 0],
    ["rope.highFrequencyFactor", scaling.highFrequencyFactor, 0],
  ]);
  const isIdle = given.type !== undefined && scaling.factor === 1;
  if (isIdle && given.factor === undefined && NEEDS_FACTOR.has(type)) {
    throw new RangeError(
      `Cannot load model: rope.type is "${type}" without a rope.factor, how many times the context is wanted`,
    );
  }
  return scaling;
}

/** Types that do nothing by a factor of 1. */
const NEEDS_FACTOR: ReadonlySet<string> = new Set<RopeScalingType>([
  "linear",
  "ntk",
  "llama3",
  "yarn",
]);

function isType(type: string): type is RopeScalingType {
  const types: readonly string[] = ROPE_SCALING_TYPES;
  return types.includes(type);
}

/** Reads `llama.<name>`, a finite number from 0 on. */
function number(metadata: Metadata, name: string): number | undefined {
  const key = `llama.${name}`;
  const value = getNumber(metadata, key);
  if (value === undefined || (value >= 0 && Number.isFinite(value))) {
    return value;
  }
  throw new RangeError(
    `Cannot read "${key}": it is ${value}, a number from 0 on is wanted`,
  );
}

function check(values: readonly Check[]): void {
  for (const [where, value, least] of values) {
    if (value >= least && Number.isFinite(value)) continue;
    throw new RangeError(
      `Cannot load model: ${where} is ${value}, ${
        least === Number.MIN_VALUE
          ? "a positive number"
          : `a number from ${least} on`
      } is wanted`,
    );
  }
}
