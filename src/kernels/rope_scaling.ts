/**
 * How rotary embedding is stretched over more positions than were trained:
 * `"none"`; `"linear"` (positions are divided); `"ntk"` (a larger base); `"llama3"`
 * (slow frequencies are divided, fast ones kept); `"yarn"` (the same by
 * dimensions, and larger queries and keys); `"longrope"` (factors of the file's).
 */
export type RopeScalingType =
  | "none"
  | "linear"
  | "ntk"
  | "llama3"
  | "yarn"
  | "longrope";

/** Every {@linkcode RopeScalingType}. */
export const ROPE_SCALING_TYPES: readonly RopeScalingType[] = [
  "none",
  "linear",
  "ntk",
  "llama3",
  "yarn",
  "longrope",
];

/** How rotary embedding is stretched. */
export interface RopeScaling {
  /** In which way. */
  readonly type: RopeScalingType;
  /** How many times the trained context; 1 does nothing. */
  readonly factor: number;
  /** Positions that were trained before stretching. */
  readonly originalContext: number;
  /** Multiplies rotated queries and keys, besides what YaRN does. */
  readonly attentionFactor: number;
  /** YaRN: how much fast frequencies are spared, from 0 to 1. */
  readonly extensionFactor: number;
  /** YaRN: turns within the original context from which frequencies are kept. */
  readonly betaFast: number;
  /** YaRN: turns up to which frequencies are divided by all of the factor. */
  readonly betaSlow: number;
  /** YaRN: takes back the growth of queries and keys, all of it at 1. */
  readonly logMultiplier: number;
  /** Llama 3: turns up to which frequencies are divided by all of the factor. */
  readonly lowFrequencyFactor: number;
  /** Llama 3: turns from which frequencies are kept. */
  readonly highFrequencyFactor: number;
}

/** No stretching, and what the parameters of others are where none are given. */
export const NO_SCALING: RopeScaling = {
  type: "none",
  factor: 1,
  originalContext: 0,
  attentionFactor: 1,
  extensionFactor: 1,
  betaFast: 32,
  betaSlow: 1,
  logMultiplier: 0,
  lowFrequencyFactor: 1,
  highFrequencyFactor: 4,
};

/** Options for {@linkcode ropeFrequencies}. */
export interface RopeFrequencyOptions {
  /** Dimensions that are rotated. */
  dims: number;
  /** Base of the frequencies, `theta` in the paper. */
  base: number;
  /** How they are stretched. Defaults to not at all. */
  scaling?: RopeScaling;
  /** Divisors of each frequency, `[dims / 2]`, before all else. Default to 1. */
  frequencyFactors?: ArrayLike<number>;
}

/**
 * The frequencies of rotary embedding.
 *
 * @param options The frequencies, and how they are stretched.
 * @returns Radians that each pair is turned by from one position to the next,
 * `[dims / 2]`.
 */
export function ropeFrequencies(options: RopeFrequencyOptions): Float64Array {
  const { dims, base, scaling = NO_SCALING, frequencyFactors } = options;
  const stretch = STRETCHES[scaling.type](scaling, { dims, base });
  return Float64Array.from({ length: dims / 2 }, (_, pair) => {
    const frequency = base ** (-2 * pair / dims);
    return stretch(frequency / (frequencyFactors?.[pair] ?? 1), pair);
  });
}

/**
 * What rotated queries and keys are multiplied by.
 *
 * @param scaling How rotary embedding is stretched.
 * @returns The factor; scores of attention grow by its square.
 */
export function ropeMagnitude(scaling: RopeScaling): number {
  const { type, factor, attentionFactor, extensionFactor } = scaling;
  if (type !== "yarn" || extensionFactor === 0) return attentionFactor;
  // Section 3.4 of the YaRN paper, which found it by trial.
  const growth = (multiplier: number) =>
    factor <= 1 ? 1 : 1 + 0.1 * multiplier * Math.log(factor);
  return attentionFactor * growth(1) / growth(scaling.logMultiplier);
}

type Stretch = (frequency: number, pair: number) => number;
type Rotation = { dims: number; base: number };

const STRETCHES: Record<
  RopeScalingType,
  (scaling: RopeScaling, rotation: Rotation) => Stretch
> = {
  none: () => (frequency) => frequency,
  longrope: () => (frequency) => frequency,
  linear: ({ factor }) => (frequency) => frequency / factor,
  // base * factor^(dims / (dims - 2)): the slowest is divided by the factor.
  ntk: ({ factor }, { dims }) => (frequency, pair) =>
    pair === 0 ? frequency : frequency * factor ** (-2 * pair / (dims - 2)),
  llama3,
  yarn,
};

/** By how often a pair turns within the original context. */
function llama3(
  { factor, originalContext, lowFrequencyFactor: low, ...rest }: RopeScaling,
): Stretch {
  const high = rest.highFrequencyFactor;
  return (frequency) => {
    const turns = originalContext * frequency / (2 * Math.PI);
    const kept = low < high
      ? clamp((turns - low) / (high - low))
      : Number(turns >= high);
    return mix(frequency / factor, frequency, kept);
  };
}

/** By where a pair stands between those that turn `betaSlow` and `betaFast` times. */
function yarn(
  { factor, originalContext, extensionFactor, betaFast, betaSlow }: RopeScaling,
  { dims, base }: Rotation,
): Stretch {
  /** The pair, a fraction of one too, that turns so often in the context. */
  const pairOf = (turns: number) =>
    dims * Math.log(originalContext / (turns * 2 * Math.PI)) /
    (2 * Math.log(base));
  const first = Math.max(0, Math.floor(pairOf(betaFast)));
  const last = Math.min(dims - 1, Math.ceil(pairOf(betaSlow)));
  const width = Math.max(0.001, last - first);
  return (frequency, pair) => {
    const kept = 1 - clamp((pair - first) / width);
    return mix(frequency / factor, frequency, kept * extensionFactor);
  };
}

function clamp(x: number): number {
  return Math.min(1, Math.max(0, x));
}

function mix(a: number, b: number, share: number): number {
  return a * (1 - share) + b * share;
}
