import type { SamplingPreset } from "./presets.ts";

/**
 * A step between the model's logits and the next token. Names are those of the
 * options; llama.cpp's are understood as well (`"top_k"`, `"typ_p"`).
 */
export type SamplerName =
  | "penalties"
  | "dry"
  | "topNSigma"
  | "topK"
  | "typicalP"
  | "topP"
  | "minP"
  | "xtc"
  | "temperature";

/** llama.cpp's spelling of a {@linkcode SamplerName}. */
export type LlamaCppSamplerName =
  | "top_n_sigma"
  | "top_k"
  | "typ_p"
  | "typical_p"
  | "top_p"
  | "min_p";

/**
 * What is added to the logits of tokens, `-Infinity` rules one out. A number is
 * an id; a string stands for all tokens that read so, such as `" the"` or
 * `"</s>"`. In an object, a key of digits is an id.
 */
export type LogitBias =
  | Readonly<Record<string | number, number>>
  | ReadonlyMap<string | number, number>
  | readonly (readonly [token: string | number, bias: number])[];

/** What a {@linkcode LogitsHook} is told. */
export interface LogitsContext {
  /** All tokens so far: those of the prompt, and those that were chosen. */
  readonly ids: readonly number[];
  /** Of those, tokens that were chosen: 0 at the first call. */
  readonly step: number;
}

/**
 * Changes the logits of the next token in place, `[tokens]`; `-Infinity` rules a
 * token out. It runs in the caller's thread, also where the model does not.
 *
 * @example
 * ```ts
 * import { loadModel, type LogitsHook } from "@seraph/seraph";
 *
 * await using model = await loadModel("models/stories260k-f32.gguf");
 * const seen = new Set<number>();
 * const sayNothingTwice: LogitsHook = (logits, { ids }) => {
 *   seen.add(ids.at(-1)!);
 *   for (const id of seen) logits[id] = -Infinity;
 * };
 * const { ids } = await model.generate("Once upon a time", {
 *   maxTokens: 20,
 *   onLogits: sayNothingTwice,
 * }).result();
 * console.assert(new Set(ids).size === ids.length);
 * ```
 */
export type LogitsHook = (
  logits: Float32Array,
  context: LogitsContext,
) => void | Promise<void>;

/**
 * How the next token is chosen. What only the CPU can do reads the logits of
 * each step back, and guesses nothing: all but the penalties, `topK`, `topP`,
 * `minP` and `temperature` in this order, `logitBias` and `bannedTokens`.
 *
 * @example
 * ```ts
 * import { loadModel } from "@seraph/seraph";
 *
 * await using model = await loadModel("models/stories260k-f32.gguf");
 * const { text, seed } = await model.generate("Once upon a time", {
 *   maxTokens: 20,
 *   preset: "creative",
 *   temperature: 0.9, // comes before the preset's
 *   samplers: ["dry", "temperature", "minP", "xtc"],
 *   bannedTokens: [" Lily"],
 *   logitBias: { " Timmy": 2 },
 *   seed: 7,
 * }).result();
 * console.log(text, seed);
 * ```
 */
export interface SamplingOptions {
  /**
   * Options to begin with; those that are given besides it come first. Defaults
   * to none.
   */
  preset?: SamplingPreset | undefined;
  /**
   * The samplers in the order in which they act; those that are not named do
   * not, whatever their options. Without `"temperature"` tokens are sampled as if
   * it were 1. Defaults to llama.cpp's order: penalties, dry, topNSigma, topK,
   * typicalP, topP, minP, xtc, temperature.
   */
  samplers?: readonly (SamplerName | LlamaCppSamplerName)[] | undefined;
  /**
   * Divides the logits: 0 takes the most likely token (greedy), 1 samples from
   * the model's own distribution. Defaults to 0.
   */
  temperature?: number | undefined;
  /**
   * How far the temperature may go down where the model is sure, and up where it
   * is not; 0 is not at all. Defaults to 0.
   */
  dynatempRange?: number | undefined;
  /** Exponent of the entropy that it follows. Defaults to 1. */
  dynatempExponent?: number | undefined;
  /** Samples among the `topK` most likely tokens; 0 is all. Defaults to 0. */
  topK?: number | undefined;
  /**
   * Samples among the most likely tokens that together have at least this
   * probability; 1 is all. Defaults to 1.
   */
  topP?: number | undefined;
  /**
   * Samples among tokens with at least this share of the best one's
   * probability; 0 is all. Defaults to 0.
   */
  minP?: number | undefined;
  /**
   * Samples among the tokens whose surprise is nearest to the expected one, of
   * which together they have more than this probability; 1 is all. Defaults to 1.
   */
  typicalP?: number | undefined;
  /**
   * Samples among tokens whose logit is at most so many standard deviations below
   * the best one; 0 is all, and so is less. Defaults to -1.
   */
  topNSigma?: number | undefined;
  /**
   * How often the most likely tokens are dropped, all but the last that has at
   * least the probability `xtcThreshold`. Defaults to 0.
   */
  xtcProbability?: number | undefined;
  /** See `xtcProbability`; above 0.5 it drops none. Defaults to 0.1. */
  xtcThreshold?: number | undefined;
  /**
   * Tokens that `topP`, `minP`, `typicalP` and `xtcProbability` leave at least.
   * Defaults to 0, which is one.
   */
  minKeep?: number | undefined;
  /**
   * Version 1 or 2 of mirostat: keeps the surprise of tokens near `mirostatTau`.
   * As in llama.cpp, `temperature` is then the only other sampler. Defaults to 0,
   * which is none.
   */
  mirostat?: 0 | 1 | 2 | undefined;
  /** Surprise that tokens are to have on average, in bits. Defaults to 5. */
  mirostatTau?: number | undefined;
  /** How fast mirostat adapts. Defaults to 0.1. */
  mirostatEta?: number | undefined;
  /**
   * Makes tokens that stand among the last ones less likely: positive logits are
   * divided by it, negative ones multiplied. Defaults to 1, which changes nothing.
   */
  repeatPenalty?: number | undefined;
  /**
   * Taken off a token's logit for each time that it stands among the last ones.
   * Defaults to 0.
   */
  frequencyPenalty?: number | undefined;
  /**
   * Taken off the logit of a token that stands among the last ones. Defaults to
   * 0.
   */
  presencePenalty?: number | undefined;
  /**
   * How many of the last tokens, the prompt's included, the penalties look at;
   * -1 is all. Defaults to 64.
   */
  repeatLastN?: number | undefined;
  /**
   * Penalizes tokens that go on repeating the text, the more the longer the
   * repetition is: `dryMultiplier * dryBase ** (length - dryAllowedLength)` is
   * taken off their logits. Defaults to 0, which is nothing.
   */
  dryMultiplier?: number | undefined;
  /** See `dryMultiplier`; below 1 nothing is taken off. Defaults to 1.75. */
  dryBase?: number | undefined;
  /** Tokens that may be repeated for free. Defaults to 2. */
  dryAllowedLength?: number | undefined;
  /**
   * How many of the last tokens, the prompt's included, are looked through for
   * repetitions; -1 is all. Defaults to 64.
   */
  dryPenaltyLastN?: number | undefined;
  /**
   * What no repetition reaches across: texts of at most 40 bytes, wherever tokens
   * begin and end, or sequences of ids. Defaults to a newline, `:`, `"` and `*`.
   */
  drySequenceBreakers?: readonly (string | readonly number[])[] | undefined;
  /** What is added to logits before all else. Defaults to nothing. */
  logitBias?: LogitBias | undefined;
  /**
   * Tokens that are never chosen: ids, or texts as in `logitBias`. Defaults to
   * none.
   */
  bannedTokens?: readonly (string | number)[] | undefined;
  /**
   * Changes the logits of each step, behind `logitBias` and before the samplers.
   * What it throws ends the generation. Defaults to none.
   */
  onLogits?: LogitsHook | undefined;
  /**
   * Makes sampling reproducible, an unsigned 32-bit integer. Defaults to a
   * random one, which the result reports.
   */
  seed?: number | undefined;
}
