import { nearestIntWithin } from "./rounding.ts";

const { fround } = Math;

/** Groups whose largest weight is below this count as zeros. */
export const LEAST_GROUP: number = fround(1e-15);

/** How a group of numbers becomes levels on both sides of 0, and a scale. */
export interface SymmetricFit {
  /** Numbers of a group. */
  readonly count: number;
  /** Levels go from `-half` to `half - 1`. */
  readonly half: number;
  /** How much each number matters, `[count]`; its square where this is none. */
  readonly importance: Float64Array | undefined;
  /** The levels of all groups, `half` added to each. */
  readonly levels: Uint8Array;
  /** The numbers of the group, `[count]`. */
  readonly x: Float64Array;
  /** Importance of each number, or its square, `[count]`. */
  readonly w: Float64Array;
  /** Importance times number, `[count]`. */
  readonly wx: Float64Array;
  /** Sum of `importance * level * number` of the last try. */
  sumXl: number;
  /** Sum of `importance * level^2` of the last try. */
  sumL2: number;
}

/** What differs between the formats that search with {@linkcode fitSymmetric}. */
export type SymmetricSearch = Pick<
  SymmetricFit,
  "count" | "half" | "importance" | "levels"
>;

/**
 * Makes the memory of a search.
 *
 * @param search How to search.
 * @returns What {@linkcode fitSymmetric} takes.
 */
export function symmetricSearch(search: SymmetricSearch): SymmetricFit {
  return {
    ...search,
    x: new Float64Array(search.count),
    w: new Float64Array(search.count),
    wx: new Float64Array(search.count),
    sumXl: 0,
    sumL2: 0,
  };
}

/**
 * Searches the scale that stands for a group of numbers best: the least-squares
 * fit of each of 19 scales around that of the largest number. Every step is
 * rounded to 32 bits in the order in which llama.cpp takes them.
 *
 * @param fit What to search; `levels` from `levelsAt` on are set.
 * @param numbers Numbers.
 * @param at Where the group begins in them.
 * @param levelsAt Where its levels go.
 * @returns The scale, of any sign; 0 where all numbers are next to 0.
 */
export function fitSymmetric(
  fit: SymmetricFit,
  numbers: Float32Array,
  at: number,
  levelsAt: number,
): number {
  const { count, half, importance, levels, x, w, wx } = fit;
  const max = largest(numbers, at, count);
  if (Math.abs(max) < LEAST_GROUP) {
    levels.fill(0, levelsAt, levelsAt + count);
    return 0;
  }
  for (let i = 0; i < count; i++) {
    const value = numbers[at + i]!;
    x[i] = value;
    w[i] = importance === undefined ? fround(value * value) : importance[i]!;
    wx[i] = fround(w[i]! * value);
  }
  const first = fround(-half / max);
  sum(fit, first);
  let bestInverse = first;
  let scale = fit.sumL2 === 0 ? 0 : fround(fit.sumXl / fit.sumL2);
  let best = fround(scale * fit.sumXl);
  for (let k = -9; k <= 9; k++) {
    if (k === 0) continue;
    const top = fround(half + fround(TENTH * k));
    const inverse = fround(-top / max);
    sum(fit, inverse);
    const { sumXl, sumL2 } = fit;
    if (sumL2 > 0 && fround(sumXl * sumXl) > fround(best * sumL2)) {
      bestInverse = inverse;
      scale = fround(sumXl / sumL2);
      best = fround(scale * sumXl);
    }
  }
  for (let i = 0; i < count; i++) {
    const v = fround(bestInverse * x[i]!);
    levels[levelsAt + i] = half + nearestIntWithin(v, -half, half - 1);
  }
  return scale;
}

const TENTH = fround(0.1);

/**
 * The number that is farthest from 0, the first of those.
 *
 * @param x Numbers.
 * @param at Where they begin.
 * @param count How many to look at.
 * @returns The number with its sign; 0 where none is larger.
 */
export function largest(x: Float32Array, at: number, count: number): number {
  let max = 0;
  let size = 0;
  for (let i = at; i < at + count; i++) {
    const own = Math.abs(x[i]!);
    if (own > size) {
      size = own;
      max = x[i]!;
    }
  }
  return max;
}

/** 1.5 * 2^52: a 64-bit float of this size has no bits behind the point. */
const MAGIC = 6_755_399_441_055_744;

function sum(fit: SymmetricFit, inverse: number): void {
  const { count, half, x, w, wx } = fit;
  let sumXl = 0;
  let sumL2 = 0;
  for (let i = 0; i < count; i++) {
    const v = fround(inverse * x[i]!);
    // As nearestInt() does where a level is in its range, and in less time.
    let level = v + MAGIC - MAGIC;
    if (!(level >= -half && level < half)) {
      level = nearestIntWithin(v, -half, half - 1);
    }
    sumXl = fround(sumXl + fround(wx[i]! * level));
    sumL2 = fround(sumL2 + fround(fround(w[i]! * level) * level));
  }
  fit.sumXl = sumXl;
  fit.sumL2 = sumL2;
}
