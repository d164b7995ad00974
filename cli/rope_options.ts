import { Option } from "commander";
import type { RopeScalingOptions } from "../mod.ts";
import { number } from "./options.ts";

/** What the options of {@linkcode ropeOptions} parse to. */
export interface RopeFlags {
  /** In which way positions are stretched. */
  ropeScaling?: RopeScalingOptions["type"];
  /** How many times. */
  ropeScale?: number;
  /** Base of the frequencies. */
  ropeFreqBase?: number;
  /** Positions that were trained before. */
  yarnOrigCtx?: number;
  /** How much fast frequencies are spared. */
  yarnExtFactor?: number;
  /** Multiplies rotated queries and keys. */
  yarnAttnFactor?: number;
  /** Turns from which frequencies are kept. */
  yarnBetaFast?: number;
  /** Turns up to which they are divided. */
  yarnBetaSlow?: number;
}

/** The options that stretch rotary embedding, by llama.cpp's names. */
export function ropeOptions(): Option[] {
  return [
    new Option("--rope-scaling <type>", "how positions are stretched")
      .choices(["none", "linear", "ntk", "llama3", "yarn"]),
    new Option("--rope-scale <x>", "how many times the context is reached")
      .argParser(number()),
    new Option("--rope-freq-base <x>", "base of the rotary frequencies")
      .argParser(number()),
    new Option("--yarn-orig-ctx <n>", "positions that were trained before")
      .argParser(number(1)),
    new Option("--yarn-ext-factor <x>", "how much fast frequencies are spared")
      .argParser(number()),
    new Option("--yarn-attn-factor <x>", "factor of rotated queries and keys")
      .argParser(number()),
    new Option("--yarn-beta-fast <x>", "turns from which frequencies are kept")
      .argParser(number()),
    new Option("--yarn-beta-slow <x>", "turns up to which they are divided")
      .argParser(number()),
  ];
}

/** The option `rope` of a load that the flags stand for, if any is given. */
export function toRopeOptions(
  flags: RopeFlags,
): { rope?: RopeScalingOptions } {
  const rope: RopeScalingOptions = {
    type: flags.ropeScaling,
    factor: flags.ropeScale,
    base: flags.ropeFreqBase,
    originalContext: flags.yarnOrigCtx,
    extensionFactor: flags.yarnExtFactor,
    attentionFactor: flags.yarnAttnFactor,
    betaFast: flags.yarnBetaFast,
    betaSlow: flags.yarnBetaSlow,
  };
  const isGiven = Object.values(rope).some((value) => value !== undefined);
  return isGiven ? { rope } : {};
}
