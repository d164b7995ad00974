import { createSampler, type SamplingOptions } from "./sampler.ts";

/** Options of every generation. */
export interface GenerateOptions extends SamplingOptions {
  /**
   * Most tokens to generate. Defaults to what is left of the context.
   */
  maxTokens?: number | undefined;
  /** Strings that end the answer and are not part of it. Defaults to none. */
  stop?: string | readonly string[] | undefined;
  /**
   * Whether generation goes on after the tokens that end a text. Defaults to
   * `false`.
   */
  ignoreEos?: boolean | undefined;
  /** Whether each piece has its log-probability. Defaults to `false`. */
  logprobs?: boolean | undefined;
  /** Stops the generation; iteration then throws the signal's reason. */
  signal?: AbortSignal | undefined;
}

/**
 * Checks the options of a generation.
 *
 * @param options The options.
 * @throws {RangeError} If one is out of its range.
 */
export function checkOptions(
  { maxTokens, stop, ...sampling }: GenerateOptions,
): void {
  createSampler(sampling);
  if (
    maxTokens !== undefined && !(Number.isInteger(maxTokens) && maxTokens >= 0)
  ) {
    throw new RangeError(
      `Cannot generate: maxTokens is ${maxTokens}, an integer from 0 on is wanted`,
    );
  }
  if (stopStrings(stop).includes("")) {
    throw new RangeError(
      'Cannot generate: a stop string is "", at least one character is wanted',
    );
  }
}

/** The stop strings of the options as an array. */
export function stopStrings(
  stop: GenerateOptions["stop"] = [],
): readonly string[] {
  return typeof stop === "string" ? [stop] : stop;
}
