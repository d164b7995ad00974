import { largest, LEAST_GROUP } from "./fit_symmetric.ts";
import { nearestIntWithin } from "./rounding.ts";

const { fround } = Math;

const HALF = 4;
const COUNT = 16;
const ROUNDS = 5;

/**
 * Searches the scale of 16 weights in levels from -4 to 3, as llama.cpp does
 * for Q3_K without an importance matrix: single levels are changed as long as
 * that brings the fit nearer, five rounds at most.
 *
 * @param x Weights.
 * @param at Where the group begins in them.
 * @param levels Levels of all groups, 4 added to each.
 * @param levelsAt Where the group's go.
 * @returns The scale, of any sign; 0 where all weights are next to 0.
 */
export function fitByChanges(
  x: Float32Array,
  at: number,
  levels: Uint8Array,
  levelsAt: number,
): number {
  const max = largest(x, at, COUNT);
  if (Math.abs(max) < LEAST_GROUP) {
    levels.fill(0, levelsAt, levelsAt + COUNT);
    return 0;
  }
  const inverse = fround(-HALF / max);
  let sumXl = 0;
  let sumL2 = 0;
  for (let i = 0; i < COUNT; i++) {
    const value = x[at + i]!;
    const level = nearestIntWithin(fround(inverse * value), -HALF, HALF - 1);
    levels[levelsAt + i] = level + HALF;
    const w = fround(value * value);
    sumXl = fround(sumXl + fround(fround(w * value) * level));
    sumL2 = fround(sumL2 + fround(fround(w * level) * level));
  }
  for (let round = 0; round < ROUNDS; round++) {
    let changes = 0;
    for (let i = 0; i < COUNT; i++) {
      const value = x[at + i]!;
      const level = levels[levelsAt + i]! - HALF;
      const w = fround(value * value);
      const wx = fround(w * value);
      let newXl = fround(sumXl - fround(wx * level));
      if (!(newXl > 0)) continue;
      let newL2 = fround(sumL2 - fround(fround(w * level) * level));
      const newLevel = nearestIntWithin(
        fround(fround(value * newL2) / newXl),
        -HALF,
        HALF - 1,
      );
      if (newLevel === level) continue;
      newXl = fround(newXl + fround(wx * newLevel));
      newL2 = fround(newL2 + fround(fround(w * newLevel) * newLevel));
      if (!isNearer(newXl, newL2, sumXl, sumL2)) continue;
      levels[levelsAt + i] = newLevel + HALF;
      sumXl = newXl;
      sumL2 = newL2;
      changes++;
    }
    if (changes === 0) break;
  }
  return sumL2 > 0 ? fround(sumXl / sumL2) : 0;
}

function isNearer(
  newXl: number,
  newL2: number,
  sumXl: number,
  sumL2: number,
): boolean {
  return newL2 > 0 &&
    fround(fround(newXl * newXl) * sumL2) >
      fround(fround(sumXl * sumXl) * newL2);
}
