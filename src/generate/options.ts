import { MAX_CHUNK } from "../model/state.ts";
import type { GenerationEvent } from "./events.ts";
import { checkLogprobs, type LogprobOptions, readsLogits } from "./logprobs.ts";
import { onlyOnCpu, readSampling, type SamplingOptions } from "./sampler.ts";
import { checkGrammar, type Grammar } from "../structure/grammar.ts";
import type { ComputeOptions } from "./tokens.ts";

/** Options of every generation. */
export interface GenerateOptions
  extends SamplingOptions, ComputeOptions, LogprobOptions {
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
  /** Told what happens, as it happens; what it throws ends the generation. */
  onEvent?: ((event: GenerationEvent) => void) | undefined;
  /**
   * What the text is held to: a JSON Schema, a regular expression or a grammar.
   * Texts of a schema end in time for `maxTokens` and the context; of the others,
   * finishReason says whether they came to an end. Guesses are off. Defaults to
   * nothing.
   */
  grammar?: Grammar | undefined;
  /** Stops the generation; iteration then throws the signal's reason. */
  signal?: AbortSignal | undefined;
}

/**
 * Checks the options of a generation.
 *
 * @param options The options.
 * @throws {RangeError} If one is out of its range.
 * @throws {TypeError} If a choice is none of those there are, or two contradict.
 */
export function checkOptions(
  options: GenerateOptions,
): void {
  const { maxTokens, stop, steps, sampler, speculation } = options;
  const cpuOption = onlyOnCpu(readSampling(options));
  checkLogprobs(options);
  if (
    maxTokens !== undefined && !(Number.isInteger(maxTokens) && maxTokens >= 0)
  ) {
    throw new RangeError(
      `Cannot generate: maxTokens is ${maxTokens}, an integer from 0 on is wanted`,
    );
  }
  if (
    steps !== undefined &&
    !(Number.isInteger(steps) && steps >= 1 && steps <= MAX_CHUNK)
  ) {
    throw new RangeError(
      `Cannot generate: steps is ${steps}, an integer from 1 to ${MAX_CHUNK} is wanted`,
    );
  }
  checkFunctions(options);
  checkChoice("sampler", sampler, ["gpu", "cpu"]);
  checkChoice("speculation", speculation, ["lookup", "draft", "off"]);
  if (cpuOption !== undefined && sampler === "gpu") {
    throw new TypeError(
      `Cannot generate: sampler is "gpu", ${cpuOption} is applied on the CPU`,
    );
  }
  const onCpu = readsLogits(options) ??
    (sampler === "cpu" ? "sampler" : cpuOption);
  if (onCpu !== undefined && (speculation ?? "off") !== "off") {
    throw new TypeError(
      `Cannot generate: ${onCpu} reads the logits of each step, speculation is wanted without`,
    );
  }
  if (options.grammar !== undefined) checkConstrained(options);
  checkStop(stop);
  if (stopStrings(stop).includes("")) {
    throw new RangeError(
      'Cannot generate: a stop string is "", at least one character is wanted',
    );
  }
}

function checkFunctions(options: GenerateOptions): void {
  for (const name of ["onLogits", "onEvent", "onPrompt"] as const) {
    const value = options[name];
    if (value === undefined || typeof value === "function") continue;
    throw new TypeError(
      `Cannot generate: ${name} is ${String(value)}, a function is wanted`,
    );
  }
}

function checkStop(stop: unknown): void {
  const isText = (one: unknown) => typeof one === "string";
  if (stop === undefined || isText(stop)) return;
  if (Array.isArray(stop) && stop.every(isText)) return;
  throw new TypeError(
    `Cannot generate: stop is ${
      JSON.stringify(stop)
    }, a string, or an array of strings is wanted`,
  );
}

function checkConstrained(
  { grammar, speculation = "off", ignoreEos }: GenerateOptions,
): void {
  if (speculation !== "off") {
    throw new TypeError(
      `Cannot generate: speculation is "${speculation}", which guesses beside the grammar, "off" is wanted`,
    );
  }
  if (ignoreEos) {
    throw new TypeError(
      "Cannot generate: ignoreEos goes on where the grammar ends, one of them is wanted without the other",
    );
  }
  checkGrammar(grammar!);
}

function checkChoice(
  name: string,
  value: string | undefined,
  choices: readonly string[],
): void {
  if (value === undefined || choices.includes(value)) return;
  throw new TypeError(
    `Cannot generate: ${name} is "${value}", one of ${
      choices.join(", ")
    } is wanted`,
  );
}

/** The stop strings of the options as an array. */
export function stopStrings(
  stop: GenerateOptions["stop"] = [],
): readonly string[] {
  return typeof stop === "string" ? [stop] : stop;
}
