import { LEAST_GROUP } from "./fit_symmetric.ts";
import { nearestInt } from "./rounding.ts";

const { fround } = Math;

const ROUNDS = 5;

/** How the scales of a block become levels from 0 on, and one scale of them. */
export interface ScalesFit {
  /** How many scales a block has. */
  readonly count: number;
  /** The largest level. */
  readonly most: number;
  /** How much each scale matters, `[count]`. */
  readonly importance: Float32Array;
  /** Their levels, a result, `[count]`. */
  readonly levels: Uint8Array;
}

/**
 * Searches the scale of a block's scales, which are not below 0, as llama.cpp
 * does with an importance matrix: the nearest of nine scales, then single
 * levels are changed as long as that brings the fit nearer.
 *
 * @param fit What to search; `levels` are set.
 * @param x The scales, `[count]`.
 * @returns The scale of the scales; 0 where all of them are next to 0.
 */
export function fitScales(fit: ScalesFit, x: Float32Array): number {
  const { count, most, importance, levels } = fit;
  let max = 0;
  for (let i = 0; i < count; i++) if (x[i]! > max) max = x[i]!;
  if (max < LEAST_GROUP) {
    levels.fill(0);
    return 0;
  }
  const inverse = nearestInverse(fit, x, max);
  let sumXl = 0;
  let sumL2 = 0;
  for (let i = 0; i < count; i++) {
    const level = Math.min(most, nearestInt(fround(inverse * x[i]!)));
    levels[i] = level;
    const w = importance[i]!;
    sumXl = fround(sumXl + fround(fround(w * x[i]!) * level));
    sumL2 = fround(sumL2 + fround(fround(w * level) * level));
  }
  for (let round = 0; round < ROUNDS; round++) {
    let changes = 0;
    for (let i = 0; i < count; i++) {
      const level = levels[i]!;
      const w = importance[i]!;
      const wx = fround(w * x[i]!);
      let newXl = fround(sumXl - fround(wx * level));
      let newL2 = fround(sumL2 - fround(fround(w * level) * level));
      if (!(newXl > 0 && newL2 > 0)) continue;
      const ratio = fround(fround(x[i]! * newL2) / newXl);
      const newLevel = Math.min(most, nearestInt(ratio));
      if (newLevel === level) continue;
      newXl = fround(newXl + fround(wx * newLevel));
      newL2 = fround(newL2 + fround(fround(w * newLevel) * newLevel));
      if (
        !(fround(fround(newXl * newXl) * sumL2) >
          fround(fround(sumXl * sumXl) * newL2))
      ) continue;
      levels[i] = newLevel;
      sumXl = newXl;
      sumL2 = newL2;
      changes++;
    }
    if (changes === 0) break;
  }
  return sumL2 > 0 ? fround(sumXl / sumL2) : 0;
}

const TENTH = fround(0.1);

/** In place of a largest level: the first try keeps levels in bytes as is. */
const WRAPPED = 255;

/** One over the scale that leaves the least weighted squares of errors. */
function nearestInverse(
  fit: ScalesFit,
  x: Float32Array,
  max: number,
): number {
  let inverse = fround(fit.most / max);
  let best = squares(fit, x, inverse, WRAPPED);
  for (let k = -4; k <= 4; k++) {
    if (k === 0) continue;
    const tried = fround(fround(fround(TENTH * k) + fit.most) / max);
    const error = squares(fit, x, tried, fit.most);
    if (error < best) {
      best = error;
      inverse = tried;
    }
  }
  return inverse;
}

function squares(
  { count, importance }: ScalesFit,
  x: Float32Array,
  inverse: number,
  most: number,
): number {
  const scale = fround(1 / inverse);
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const nearest = nearestInt(fround(inverse * x[i]!));
    const level = most === WRAPPED ? nearest & 255 : Math.min(most, nearest);
    const off = fround(x[i]! - fround(scale * level));
    sum = fround(sum + fround(fround(importance[i]! * off) * off));
  }
  return sum;
}
