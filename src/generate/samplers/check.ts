import type { SamplingNumbers } from "./settings.ts";

/** More than any sequence has. */
const MAX_LAST_N = 2 ** 24;

/** What a number must be. */
interface Range {
  least: number;
  most: number;
  isWhole?: boolean;
  /** As errors call it. */
  wanted: string;
}

const SHARE: Range = { least: 0, most: 1, wanted: "a number from 0 to 1" };
const PENALTY: Range = {
  least: -1e6,
  most: 1e6,
  wanted: "a number from -1000000 to 1000000",
};
const POSITIVE: Range = {
  least: 1e-6,
  most: 1e6,
  wanted: "a positive number up to 1000000",
};
const FROM_0: Range = {
  least: 0,
  most: Number.MAX_VALUE,
  wanted: "a number from 0 on",
};
const COUNT: Range = {
  least: 0,
  most: 2 ** 32 - 1,
  isWhole: true,
  wanted: "an integer from 0 on",
};
const LAST_N: Range = {
  least: -1,
  most: MAX_LAST_N,
  isWhole: true,
  wanted: `an integer from -1 to ${MAX_LAST_N}`,
};

const RANGES: Record<keyof SamplingNumbers, Range> = {
  temperature: FROM_0,
  dynatempRange: FROM_0,
  dynatempExponent: FROM_0,
  topK: COUNT,
  topP: SHARE,
  minP: SHARE,
  typicalP: SHARE,
  topNSigma: {
    least: -Number.MAX_VALUE,
    most: Number.MAX_VALUE,
    wanted: "a number",
  },
  xtcProbability: SHARE,
  xtcThreshold: SHARE,
  minKeep: COUNT,
  mirostat: { least: 0, most: 2, isWhole: true, wanted: "0, 1 or 2" },
  mirostatTau: { ...FROM_0, most: 1e6, wanted: "a number from 0 to 1000000" },
  mirostatEta: { ...FROM_0, most: 1e6, wanted: "a number from 0 to 1000000" },
  repeatPenalty: POSITIVE,
  frequencyPenalty: PENALTY,
  presencePenalty: PENALTY,
  repeatLastN: LAST_N,
  dryMultiplier: { ...FROM_0, most: 1e6, wanted: "a number from 0 to 1000000" },
  dryBase: { ...FROM_0, most: 1e6, wanted: "a number from 0 to 1000000" },
  dryAllowedLength: COUNT,
  dryPenaltyLastN: LAST_N,
};

/**
 * Checks the numbers of a generation.
 *
 * @param numbers The numbers.
 * @throws {RangeError} If one is out of its range.
 */
export function checkSettings(numbers: SamplingNumbers): void {
  for (const name of Object.keys(RANGES) as (keyof SamplingNumbers)[]) {
    checkNumber(name, numbers[name], RANGES[name]);
  }
}

/**
 * Checks that an option is a list.
 *
 * @throws {TypeError} If it is not.
 */
export function checkList(name: string, value: unknown): void {
  if (Array.isArray(value)) return;
  throw new TypeError(
    `Cannot sample: ${name} is ${JSON.stringify(value)}, an array is wanted`,
  );
}

/** Checks the seed of a generation. */
export function checkSeed(seed: number): void {
  const wanted = "an integer from 0 to 4294967295";
  checkNumber("seed", seed, { ...COUNT, wanted });
}

function checkNumber(
  name: string,
  value: number,
  { least, most, isWhole = false, wanted }: Range,
): void {
  const isGood = typeof value === "number" && value >= least && value <= most &&
    (!isWhole || Number.isInteger(value));
  if (isGood) return;
  throw new RangeError(
    `Cannot sample: ${name} is ${value}, ${wanted} is wanted`,
  );
}
