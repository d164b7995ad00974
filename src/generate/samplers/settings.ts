import { checkList, checkSettings } from "./check.ts";
import type {
  LlamaCppSamplerName,
  SamplerName,
  SamplingOptions,
} from "./options.ts";
import { withPreset } from "./presets.ts";

/** The order of llama.cpp, in which samplers act unless told otherwise. */
export const DEFAULT_ORDER: readonly SamplerName[] = [
  "penalties",
  "dry",
  "topNSigma",
  "topK",
  "typicalP",
  "topP",
  "minP",
  "xtc",
  "temperature",
];

const LLAMA_CPP_NAMES: ReadonlyMap<string, SamplerName> = new Map<
  LlamaCppSamplerName,
  SamplerName
>([
  ["top_n_sigma", "topNSigma"],
  ["top_k", "topK"],
  ["typ_p", "typicalP"],
  ["typical_p", "typicalP"],
  ["top_p", "topP"],
  ["min_p", "minP"],
]);

/** The numbers among {@linkcode SamplingOptions}, without the seed. */
export type SamplingNumbers = {
  [
    K in keyof SamplingOptions as NonNullable<SamplingOptions[K]> extends number
      ? K extends "seed" ? never : K
      : never
  ]-?: number;
};

const DEFAULTS: SamplingNumbers = {
  temperature: 0,
  dynatempRange: 0,
  dynatempExponent: 1,
  topK: 0,
  topP: 1,
  minP: 0,
  typicalP: 1,
  topNSigma: -1,
  xtcProbability: 0,
  xtcThreshold: 0.1,
  minKeep: 0,
  mirostat: 0,
  mirostatTau: 5,
  mirostatEta: 0.1,
  repeatPenalty: 1,
  frequencyPenalty: 0,
  presencePenalty: 0,
  repeatLastN: 64,
  dryMultiplier: 0,
  dryBase: 1.75,
  dryAllowedLength: 2,
  dryPenaltyLastN: 64,
};

/** Options that are filled in and checked. */
export interface SamplingSettings extends SamplingNumbers {
  /** The samplers that change something, in their order. */
  order: readonly SamplerName[];
  /** See {@linkcode SamplingOptions.drySequenceBreakers}, as ids. */
  drySequenceBreakers: readonly (readonly number[])[];
}

/**
 * Fills in what options leave open.
 *
 * @param options The options; texts among them stand for nothing here, see
 * `resolve.ts`.
 * @returns The settings.
 * @throws {RangeError} If an option is out of its range.
 * @throws {TypeError} If there is no such preset or sampler, or two options
 * contradict each other.
 */
export function readSettings(options: SamplingOptions): SamplingSettings {
  const all = withPreset(options);
  const numbers = { ...DEFAULTS };
  for (const name of Object.keys(DEFAULTS) as (keyof SamplingNumbers)[]) {
    numbers[name] = all[name] ?? DEFAULTS[name];
  }
  checkSettings(numbers);
  const { samplers, drySequenceBreakers = [] } = all;
  checkList("samplers", samplers ?? []);
  checkList("drySequenceBreakers", drySequenceBreakers);
  const named = samplers === undefined ? DEFAULT_ORDER : readOrder(samplers);
  if (numbers.mirostat !== 0) checkMirostat(numbers, samplers);
  return {
    ...numbers,
    order: numbers.mirostat === 0
      ? named.filter((name) => changesSomething(name, numbers))
      : ["temperature"],
    drySequenceBreakers: drySequenceBreakers.filter((one) =>
      typeof one !== "string"
    ),
  };
}

function readOrder(
  names: readonly (SamplerName | LlamaCppSamplerName)[],
): SamplerName[] {
  const order: SamplerName[] = [];
  for (const name of names) {
    const own = LLAMA_CPP_NAMES.get(name) ?? name as SamplerName;
    if (!DEFAULT_ORDER.includes(own)) {
      throw new TypeError(
        `Cannot sample: samplers has "${name}", of ${
          DEFAULT_ORDER.join(", ")
        } are wanted`,
      );
    }
    if (order.includes(own)) {
      throw new TypeError(
        `Cannot sample: samplers has "${name}" twice, once is wanted`,
      );
    }
    order.push(own);
  }
  return order;
}

function checkMirostat(
  { mirostat, temperature }: SamplingNumbers,
  samplers: readonly string[] | undefined,
): void {
  if (samplers !== undefined) {
    throw new TypeError(
      `Cannot sample: mirostat is ${mirostat}, which has an order of its own, samplers are wanted without`,
    );
  }
  if (temperature === 0) {
    throw new RangeError(
      `Cannot sample: mirostat is ${mirostat} and temperature is 0, which leaves it no choice, more is wanted`,
    );
  }
}

function changesSomething(
  name: SamplerName,
  numbers: SamplingNumbers,
): boolean {
  switch (name) {
    case "penalties":
      return numbers.repeatLastN !== 0 &&
        (numbers.repeatPenalty !== 1 || numbers.frequencyPenalty !== 0 ||
          numbers.presencePenalty !== 0);
    case "dry":
      return numbers.dryMultiplier !== 0 && numbers.dryBase >= 1 &&
        numbers.dryPenaltyLastN !== 0;
    case "topNSigma":
      return numbers.topNSigma > 0;
    case "topK":
      return numbers.topK > 0;
    case "typicalP":
      return numbers.typicalP < 1;
    case "topP":
      return numbers.topP < 1;
    case "minP":
      return numbers.minP > 0;
    case "xtc":
      return numbers.xtcProbability > 0 && numbers.xtcThreshold <= 0.5;
    case "temperature":
      return numbers.temperature !== 1 || numbers.dynatempRange > 0;
  }
}
