import { fitAffine, searchOf } from "./fit_affine.ts";
import { fitScales } from "./fit_scales.ts";
import { type CreateQuantizer, put16, sumOfSquares, weigh } from "./format.ts";
import { fromHalf, nearestInt, nearestIntWithin, toHalf } from "./rounding.ts";

const { abs, fround } = Math;

const BLOCK = 256;
const GROUP = 16;
const GROUPS = BLOCK / GROUP;
const MOST = 3;
const MOST_SCALE = 15;

/** Where the parts of a block lie. */
const QUANTS = GROUPS;
const SCALE = QUANTS + BLOCK / 4;
const MIN = SCALE + 2;
const BYTES = MIN + 2;

/** Q2_K: 256 levels of 2 bits, `w = d * s * level - dmin * m` by groups of 16. */
export const createQ2K: CreateQuantizer = (columns, importance) => {
  const group = new Float64Array(GROUP);
  const levels = new Uint8Array(BLOCK);
  const scales = new Float32Array(GROUPS);
  const mins = new Float32Array(GROUPS);
  const search = searchOf({
    count: GROUP,
    most: MOST,
    importance: group,
    levels,
    ...(importance === undefined
      ? { first: -0.5, step: 0.1, tries: 15, absolute: true }
      : { first: -0.9, step: 0.05, tries: 36 }),
  });
  const fit = {
    count: GROUPS,
    most: MOST_SCALE,
    importance: new Float32Array(GROUPS),
    levels: new Uint8Array(GROUPS),
  };

  /** Sets scales and mins by the size of the weights alone. */
  function setPlain(x: Float32Array, at: number, out: Uint8Array, to: number) {
    for (let j = 0; j < GROUPS; j++) {
      const first = at + GROUP * j;
      for (let i = 0; i < GROUP; i++) group[i] = abs(x[first + i]!);
      scales[j] = fitAffine(search, x, first, GROUP * j);
      mins[j] = search.min;
    }
    const d = putPlain(scales, out, to, 0);
    const m = putPlain(mins, out, to, 4);
    put16(out, to + SCALE, d);
    put16(out, to + MIN, m);
  }

  /** Sets scales and mins by importance. */
  function setWeighed(
    x: Float32Array,
    at: number,
    column: number,
    out: Uint8Array,
    to: number,
  ) {
    const weighing = { importance: importance!, group };
    const variance = fround(sumOfSquares(x, at, BLOCK) / BLOCK);
    for (let j = 0; j < GROUPS; j++) {
      const first = at + GROUP * j;
      weigh(weighing, column + GROUP * j, x, first, variance);
      let sum = 0;
      for (let i = 0; i < GROUP; i++) sum = fround(sum + group[i]!);
      fit.importance[j] = sum;
      scales[j] = fitAffine(search, x, first, GROUP * j);
      mins[j] = search.min;
    }
    put16(out, to + SCALE, toHalf(fitScales(fit, scales)));
    for (let j = 0; j < GROUPS; j++) out[to + j] = fit.levels[j]!;
    put16(out, to + MIN, toHalf(fitScales(fit, mins)));
    for (let j = 0; j < GROUPS; j++) {
      out[to + j] = out[to + j]! | fit.levels[j]! << 4;
    }
  }

  return {
    row(x, at, out, outAt) {
      for (let column = 0; column < columns; column += BLOCK) {
        const first = at + column;
        if (importance === undefined) setPlain(x, first, out, outAt);
        else setWeighed(x, first, column, out, outAt);
        setLevels(levels, x, first, out, outAt);
        packPairs(levels, out, outAt + QUANTS);
        outAt += BYTES;
      }
    },
  };
};

/** Writes nibbles of the scales or mins; their own scale is returned. */
function putPlain(
  values: Float32Array,
  out: Uint8Array,
  to: number,
  shift: 0 | 4,
): number {
  let max = 0;
  for (let j = 0; j < GROUPS; j++) if (values[j]! > max) max = values[j]!;
  const inverse = max > 0 ? fround(MOST_SCALE / max) : 0;
  for (let j = 0; j < GROUPS; j++) {
    const level = max > 0 ? nearestInt(fround(inverse * values[j]!)) : 0;
    out[to + j] = shift === 0 ? level : out[to + j]! | level << shift;
  }
  return max > 0 ? toHalf(fround(max / MOST_SCALE)) : 0;
}

/** Takes the nearest levels to the scales as they were written. */
function setLevels(
  levels: Uint8Array,
  x: Float32Array,
  at: number,
  out: Uint8Array,
  to: number,
): void {
  const d = fromHalf(out[to + SCALE]! | out[to + SCALE + 1]! << 8);
  const m = fromHalf(out[to + MIN]! | out[to + MIN + 1]! << 8);
  for (let j = 0; j < GROUPS; j++) {
    const scale = fround(d * (out[to + j]! & 15));
    if (scale === 0) continue;
    const min = fround(m * (out[to + j]! >> 4));
    for (let i = GROUP * j; i < GROUP * (j + 1); i++) {
      const v = fround(fround(x[at + i]! + min) / scale);
      levels[i] = nearestIntWithin(v, 0, MOST);
    }
  }
}

/**
 * Packs 256 levels of 2 bits: of each half of them, those that lie 32 apart
 * share a byte.
 *
 * @param levels The levels.
 * @param out What they are written to, 64 bytes.
 * @param at Where they go.
 */
export function packPairs(
  levels: Uint8Array,
  out: Uint8Array,
  at: number,
): void {
  for (let half = 0; half < BLOCK; half += BLOCK / 2) {
    for (let i = 0; i < 32; i++) {
      const l = half + i;
      out[at + half / 4 + i] = levels[l]! | levels[l + 32]! << 2 |
        levels[l + 64]! << 4 | levels[l + 96]! << 6;
    }
  }
}
