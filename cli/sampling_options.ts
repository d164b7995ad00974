import { InvalidArgumentError, Option } from "commander";
import {
  type SamplerName,
  SAMPLING_PRESETS,
  type SamplingOptions,
} from "../mod.ts";
import { collect, integer, number } from "./options.ts";

const MAX_U32 = 2 ** 32 - 1;
const LAST_N = [-1, 2 ** 24] as const;

/** What the options of {@linkcode samplingOptions} parse to. */
export interface SamplingFlags extends
  Omit<
    SamplingOptions,
    "logitBias" | "bannedTokens" | "drySequenceBreakers" | "onLogits"
  > {
  /** Tokens and their biases. */
  logitBias?: [token: string | number, bias: number][];
  /** Tokens that are never chosen. */
  ban?: (string | number)[];
  /** Texts that no repetition reaches across. */
  dryBreaker?: string[];
}

/** The options of commands that sample, under a heading of their own. */
export function samplingOptions(): Option[] {
  const presets = Object.keys(SAMPLING_PRESETS);
  return [
    new Option("--preset <name>", "options to begin with").choices(presets),
    new Option(
      "--temperature <t>",
      "0 takes the most likely token (default: 0)",
    )
      .argParser(number()),
    new Option("--top-k <n>", "sample among the n most likely tokens")
      .argParser(integer(0, MAX_U32)),
    new Option("--top-p <p>", "sample among tokens that make up p")
      .argParser(number(0, 1)),
    new Option("--min-p <p>", "sample among tokens of p times the best")
      .argParser(number(0, 1)),
    new Option(
      "--typical-p <p>",
      "sample among the most typical that make up p",
    )
      .argParser(number(0, 1)),
    new Option("--top-n-sigma <n>", "sample within n deviations of the best")
      .argParser(number(-1e6, 1e6)),
    new Option("--min-keep <n>", "tokens that samplers leave at least")
      .argParser(integer(0, MAX_U32)),
    new Option("--xtc-probability <p>", "how often top choices are dropped")
      .argParser(number(0, 1)),
    new Option("--xtc-threshold <p>", "what makes a top choice (default: 0.1)")
      .argParser(number(0, 1)),
    new Option("--dynatemp-range <t>", "how far the temperature may go")
      .argParser(number()),
    new Option("--dynatemp-exponent <x>", "how it follows the entropy")
      .argParser(number()),
    new Option("--mirostat <version>", "keep the surprise of tokens: 1 or 2")
      .argParser(integer(0, 2)),
    new Option("--mirostat-tau <bits>", "that surprise (default: 5)")
      .argParser(number(0, 1e6)),
    new Option("--mirostat-eta <x>", "how fast it adapts (default: 0.1)")
      .argParser(number(0, 1e6)),
    new Option("--repeat-penalty <x>", "divide logits of the last tokens")
      .argParser(number(1e-6, 1e6)),
    new Option("--frequency-penalty <x>", "take off for each time")
      .argParser(number(-1e6, 1e6)),
    new Option("--presence-penalty <x>", "take off where they were")
      .argParser(number(-1e6, 1e6)),
    new Option("--repeat-last-n <n>", "tokens that penalties look at, -1: all")
      .argParser(integer(...LAST_N)),
    new Option("--dry-multiplier <x>", "penalize what repeats the text")
      .argParser(number(0, 1e6)),
    new Option("--dry-base <x>", "how it grows with length (default: 1.75)")
      .argParser(number(0, 1e6)),
    new Option(
      "--dry-allowed-length <n>",
      "tokens repeated for free (default: 2)",
    )
      .argParser(integer(0, MAX_U32)),
    new Option("--dry-penalty-last-n <n>", "tokens it looks through, -1: all")
      .argParser(integer(...LAST_N)),
    new Option("--dry-breaker <text>", "what ends repetitions; can be repeated")
      .argParser(collect),
    new Option("--samplers <names>", "which act, in order: top-k,temperature")
      .argParser(samplers),
    new Option("--logit-bias <token=x>", "add x to a logit; can be repeated")
      .argParser(bias),
    new Option("--ban <token>", "an id or a text; can be repeated")
      .argParser((text, before: (string | number)[] = []) => [
        ...before,
        token(text),
      ]),
    new Option("--seed <n>", "make sampling reproducible")
      .argParser(integer(0, MAX_U32)),
  ].map((option) => option.helpGroup("Sampling:"));
}

/** The options of a generation that the flags stand for. */
export function toSamplingOptions(flags: SamplingFlags): SamplingOptions {
  return {
    preset: flags.preset,
    temperature: flags.temperature,
    dynatempRange: flags.dynatempRange,
    dynatempExponent: flags.dynatempExponent,
    topK: flags.topK,
    topP: flags.topP,
    minP: flags.minP,
    typicalP: flags.typicalP,
    topNSigma: flags.topNSigma,
    minKeep: flags.minKeep,
    xtcProbability: flags.xtcProbability,
    xtcThreshold: flags.xtcThreshold,
    mirostat: flags.mirostat,
    mirostatTau: flags.mirostatTau,
    mirostatEta: flags.mirostatEta,
    repeatPenalty: flags.repeatPenalty,
    frequencyPenalty: flags.frequencyPenalty,
    presencePenalty: flags.presencePenalty,
    repeatLastN: flags.repeatLastN,
    dryMultiplier: flags.dryMultiplier,
    dryBase: flags.dryBase,
    dryAllowedLength: flags.dryAllowedLength,
    dryPenaltyLastN: flags.dryPenaltyLastN,
    drySequenceBreakers: flags.dryBreaker,
    samplers: flags.samplers,
    logitBias: flags.logitBias,
    bannedTokens: flags.ban,
    seed: flags.seed,
  };
}

/** `top-k` is `topK`; what is no sampler is found by the library. */
function samplers(text: string): SamplerName[] {
  return text.split(",").map((name) => name.trim()).filter((name) =>
    name !== ""
  )
    .map((name) =>
      name.replace(/-([a-z])/g, (_, letter) => letter.toUpperCase())
    ) as SamplerName[];
}

/** Digits are an id, all else is a text. */
function token(text: string): string | number {
  return /^\d+$/.test(text) ? Number(text) : text;
}

/** The text may have a `=` of its own. */
function bias(
  text: string,
  before: [string | number, number][] = [],
): [string | number, number][] {
  const [, name, value] = /^(.+)=([^=]*)$/s.exec(text) ?? [];
  const parsed = /^\s*-inf(inity)?\s*$/i.test(value ?? "")
    ? -Infinity
    : Number(value);
  if (name === undefined || value?.trim() === "" || Number.isNaN(parsed)) {
    throw new InvalidArgumentError("A token and a number are wanted: 15=-2.");
  }
  return [...before, [token(name), parsed]];
}
