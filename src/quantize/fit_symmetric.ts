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
  /** Sum of `importance * level * number` of the last try. */
  sumXl: number;
  /** Sum of `importance * level^2` of the last try. */
  sumL2: number;
}

/**
 * Searches the scale that stands for a group of numbers best: the least-squares
 * fit of each of 19 scales around that of the largest number. Every step is
 * rounded to 32 bits in the order in which llama.cpp takes them.
 *
 * @param fit What to search; `levels` from `levelsAt` on are set.
 * @param x Numbers.
 * @param at Where the group begins in them.
 * @param levelsAt Where its levels go.
 * @returns The scale, of any sign; 0 where all numbers are next to 0.
 */
export function fitSymmetric(
  fit: SymmetricFit,
  x: Float32Array,
  at: number,
  levelsAt: number,
): number {
  const { count, half, levels } = fit;
  const max = largest(x, at, count);
  if (Math.abs(max) < LEAST_GROUP) {
    levels.fill(0, levelsAt, levelsAt + count);
    return 0;
  }
  const first = fround(-half / max);
  sum(fit, x, at, first);
  let bestInverse = first;
  let scale = fit.sumL2 === 0 ? 0 : fround(fit.sumXl / fit.sumL2);
  let best = fround(scale * fit.sumXl);
  for (let k = -9; k <= 9; k++) {
    if (k === 0) continue;
    const top = fround(half + fround(TENTH * k));
    const inverse = fround(-top / max);
    sum(fit, x, at, inverse);
    const { sumXl, sumL2 } = fit;
    if (sumL2 > 0 && fround(sumXl * sumXl) > fround(best * sumL2)) {
      bestInverse = inverse;
      scale = fround(sumXl / sumL2);
      best = fround(scale * sumXl);
    }
  }
  for (let i = 0; i < count; i++) {
    const v = fround(bestInverse * x[at + i]!);
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

function sum(
  fit: SymmetricFit,
  x: Float32Array,
  at: number,
  inverse: number,
): void {
  const { count, half, importance } = fit;
  let sumXl = 0;
  let sumL2 = 0;
  for (let i = 0; i < count; i++) {
    const value = x[at + i]!;
    const level = nearestIntWithin(fround(inverse * value), -half, half - 1);
    const w = importance === undefined ? fround(value * value) : importance[i]!;
    sumXl = fround(sumXl + fround(fround(w * value) * level));
    sumL2 = fround(sumL2 + fround(fround(w * level) * level));
  }
  fit.sumXl = sumXl;
  fit.sumL2 = sumL2;
}
