import { nearestIntWithin } from "./rounding.ts";

const { fround } = Math;

/** How a group of weights becomes levels from 0 on, a scale and a minimum. */
export interface AffineFit {
  /** Weights of a group. */
  readonly count: number;
  /** The largest level. */
  readonly most: number;
  /** What is added to `most` at the first try of another scale. */
  readonly first: number;
  /** What is added from one try to the next. */
  readonly step: number;
  /** The last try; there is one more than this. */
  readonly tries: number;
  /** Whether errors count by size; by their squares otherwise. */
  readonly absolute: boolean;
  /** How much each weight of the group matters, `[count]`; not below 0. */
  readonly importance: Float64Array;
  /** The levels of all groups. */
  readonly levels: Uint8Array;
  /** The weights of the group, `[count]`. */
  readonly x: Float64Array;
  /** How far the weights are above the best minimum so far, `[count]`. */
  readonly above: Float64Array;
  /** What each level stands for in a try, `[most + 1]`. */
  readonly points: Float64Array;
  /** Room for the levels of a try, `[count]`. */
  readonly trial: Uint8Array;
  /** What is to be subtracted from `scale * level`, a result; never below 0. */
  min: number;
  /** Sum of `importance * level` of the last try. */
  sumL: number;
  /** Sum of `importance * level^2` of the last try. */
  sumL2: number;
  /** Sum of `importance * level * weight` of the last try. */
  sumXl: number;
}

/** What differs between the formats that search with {@linkcode fitAffine}. */
export interface AffineSearch extends
  Omit<
    AffineFit,
    | "absolute"
    | "trial"
    | "x"
    | "above"
    | "points"
    | "min"
    | "sumL"
    | "sumL2"
    | "sumXl"
  > {
  /** Whether errors count by size. Defaults to `false`: by their squares. */
  readonly absolute?: boolean;
}

/**
 * Makes the memory of a search.
 *
 * @param search How to search.
 * @returns What {@linkcode fitAffine} takes.
 */
export function searchOf(
  { absolute = false, first, step, ...search }: AffineSearch,
): AffineFit {
  return {
    ...search,
    first: fround(first),
    step: fround(step),
    absolute,
    trial: new Uint8Array(search.count),
    x: new Float64Array(search.count),
    above: new Float64Array(search.count),
    points: new Float64Array(search.most + 1),
    min: 0,
    sumL: 0,
    sumL2: 0,
    sumXl: 0,
  };
}

/**
 * Searches the scale and the minimum that stand for a group of weights best,
 * `w = scale * level - min`: those of the outermost weights first, then the
 * least-squares fit of each of some scales around it. Every step is rounded to
 * 32 bits in the order in which llama.cpp takes them.
 *
 * @param fit What to search; `levels` from `levelsAt` on and `min` are set.
 * @param rows Weights.
 * @param at Where the group begins in them.
 * @param levelsAt Where its levels go.
 * @returns The scale; 0 where all weights are the same, and none above 0.
 */
export function fitAffine(
  fit: AffineFit,
  rows: Float32Array,
  at: number,
  levelsAt: number,
): number {
  const { count, most, importance, levels, x } = fit;
  let min = rows[at]!;
  let max = min;
  let sumW = importance[0]!;
  let sumX = fround(sumW * min);
  x[0] = min;
  for (let i = 1; i < count; i++) {
    const value = rows[at + i]!;
    x[i] = value;
    if (value < min) min = value;
    if (value > max) max = value;
    const w = importance[i]!;
    sumW = fround(sumW + w);
    sumX = fround(sumX + fround(w * value));
  }
  if (min > 0) min = 0;
  if (max <= min) {
    levels.fill(0, levelsAt, levelsAt + count);
    fit.min = -min;
    return 0;
  }

  const inverse = fround(most / fround(max - min));
  let scale = fround(1 / inverse);
  const { first, step, tries, trial } = fit;
  setAbove(fit, min);
  setTrial(fit, inverse);
  let best = errorOf(fit, scale, min, Infinity);
  const bound = fit.absolute ? undefined : boundOf(fit, min, max);
  for (let i = 0; i < count; i++) levels[levelsAt + i] = trial[i]!;
  for (let k = 0; k <= tries; k++) {
    const top = fround(fround(first + fround(step * k)) + most);
    setTrial(fit, fround(top / fround(max - min)));
    if (bound !== undefined && leastError(fit, bound) > best) continue;
    setSums(fit);
    const { sumL, sumL2, sumXl } = fit;
    const d = fround(fround(sumW * sumL2) - fround(sumL * sumL));
    if (!(d > 0)) continue;
    let tryScale = fround(
      fround(fround(sumW * sumXl) - fround(sumX * sumL)) / d,
    );
    let tryMin = fround(
      fround(fround(sumL2 * sumX) - fround(sumL * sumXl)) / d,
    );
    if (tryMin > 0) {
      tryMin = 0;
      tryScale = fround(sumXl / sumL2);
    }
    const tryError = errorOf(fit, tryScale, tryMin, best);
    if (tryError < best) {
      for (let i = 0; i < count; i++) levels[levelsAt + i] = trial[i]!;
      best = tryError;
      scale = tryScale;
      min = tryMin;
      setAbove(fit, min);
    }
  }
  fit.min = -min;
  return scale;
}

/** 1.5 * 2^52: a 64-bit float of this size has no bits behind the point. */
const MAGIC = 6_755_399_441_055_744;

/** Sets how far each weight is above the minimum. */
function setAbove({ count, x, above }: AffineFit, min: number): void {
  for (let i = 0; i < count; i++) above[i] = fround(x[i]! - min);
}

/** Sets the levels of a try. */
function setTrial(fit: AffineFit, inverse: number): void {
  const { count, most, trial, above } = fit;
  for (let i = 0; i < count; i++) {
    const v = fround(inverse * above[i]!);
    // As nearestInt() does where a level is in its range, and in less time.
    let level = v + MAGIC - MAGIC;
    if (!(level >= 0 && level <= most)) level = nearestIntWithin(v, 0, most);
    trial[i] = level;
  }
}

/** Sets the weighted sums of a try's levels. */
function setSums(fit: AffineFit): void {
  const { count, importance, trial, x } = fit;
  let sumL = 0;
  let sumL2 = 0;
  let sumXl = 0;
  for (let i = 0; i < count; i++) {
    const level = trial[i]!;
    const wl = fround(importance[i]! * level);
    sumL = fround(sumL + wl);
    sumL2 = fround(sumL2 + fround(wl * level));
    sumXl = fround(sumXl + fround(wl * x[i]!));
  }
  fit.sumL = sumL;
  fit.sumL2 = sumL2;
  fit.sumXl = sumXl;
}

/**
 * The weighted error of a try. It only grows from weight to weight, so that it
 * may end early once it is too large.
 */
function errorOf(
  { count, most, absolute, importance, trial, x, points }: AffineFit,
  scale: number,
  min: number,
  enough: number,
): number {
  for (let i = 0; i <= most; i++) {
    points[i] = fround(fround(scale * i) + min);
  }
  let sum = 0;
  for (let first = 0; first < count && sum < enough; first += 8) {
    for (let i = first; i < first + 8; i++) {
      const off = fround(points[trial[i]!]! - x[i]!);
      const size = absolute ? Math.abs(off) : fround(off * off);
      sum = fround(sum + fround(importance[i]! * size));
    }
  }
  return sum;
}

/** What {@linkcode leastError} needs of a group, in 64 bits. */
interface Bound {
  /** About the middle of the weights, which is taken off for precision. */
  readonly middle: number;
  /** The largest size of a weight. */
  readonly size: number;
  /** Sum of importance. */
  readonly sumW: number;
  /** Sum of `importance * (weight - middle)`. */
  readonly sumX: number;
  /** Sum of squared distances from the mean, by importance, or a bit less. */
  readonly spread: number;
}

/**
 * What is bounded only between these, as 32-bit floats lose digits far below
 * and end far above.
 */
const [LEAST, MOST] = [1e-9, 1e9];
const LEAST_SQUARES = 1e-20;

/** Far more than 64-bit sums of 32 weights are off, as a share of squares. */
const SLACK = 1e-11;

/** `undefined` where rounding to 32 bits cannot be told beforehand. */
function boundOf(
  { count, importance, x }: AffineFit,
  min: number,
  max: number,
): Bound | undefined {
  const middle = (min + max) / 2;
  const size = Math.max(max, -min);
  let sumW = 0;
  let sumX = 0;
  let sumX2 = 0;
  for (let i = 0; i < count; i++) {
    const w = importance[i]!;
    const off = x[i]! - middle;
    sumW += w;
    sumX += w * off;
    sumX2 += w * off * off;
  }
  const isUsual = size > LEAST && size < MOST && sumW > LEAST && sumW < MOST &&
    size * size * sumW > LEAST_SQUARES;
  if (!isUsual) return undefined;
  const spread = sumX2 - sumX * sumX / sumW - SLACK * sumW * (max - min) ** 2;
  return { middle, size, sumW, sumX, spread };
}

/** A rounding to 32 bits is off by this share at most. */
const ROUNDING = 2 ** -24;

/**
 * An error that a try's levels cannot come below, whatever 32-bit scale and
 * minimum are found for them: that of the exact least-squares fit, less what the
 * roundings of `errorOf()` may take away. Most tries are out by this alone, at a
 * fraction of the cost.
 */
function leastError(
  { count, importance, trial, x }: AffineFit,
  { middle, size, sumW, sumX, spread }: Bound,
): number {
  let sumL = 0;
  let sumL2 = 0;
  let sumXl = 0;
  for (let i = 0; i < count; i++) {
    const level = trial[i]!;
    const wl = importance[i]! * level;
    sumL += wl;
    sumL2 += wl * level;
    sumXl += wl * (x[i]! - middle);
  }
  const d = sumW * sumL2 - sumL * sumL;
  // Else the minimum could be off by more than a hundredth in 32 bits.
  if (!(d > sumW * sumL2 / 1000)) return 0;
  const slope = sumW * sumXl - sumX * sumL;
  const squares = spread - slope * slope / (sumW * d);
  const min = middle + (sumX - slope / d * sumL) / sumW;
  // Each distance from a decoded weight is off by the roundings of its product,
  // of its sum with the minimum, and its own; and all this twice, to be sure.
  const noise = 2 * ROUNDING * (2 * size + Math.abs(min)) * Math.sqrt(sumW);
  const least = Math.sqrt(Math.max(0, squares)) * (1 - 1e-6) - noise;
  return least > 0 ? least * least * (1 - 1e-5) : 0;
}
