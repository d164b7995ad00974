import { largest, LEAST_GROUP } from "./fit_symmetric.ts";
import { type CreateQuantizer, put16, sumOfSquares, weigh } from "./format.ts";
import { nearestIntWithin, toHalf } from "./rounding.ts";

const { abs, floor, fround } = Math;

/** Weights that share a scale. */
const GROUP = 32;
const BLOCK = 256;
const GROUPS = BLOCK / GROUP;

/** What the 16 levels of IQ4_NL and IQ4_XS stand for. */
const POINTS = Float64Array.of(
  -127,
  -104,
  -83,
  -65,
  -49,
  -35,
  -22,
  -10,
  1,
  13,
  25,
  38,
  53,
  69,
  89,
  113,
);
const LEAST_POINT = -127;
const MOST_POINT = 113;
const TRIES = 7;

/** Levels by twice the value, rounded down, less `LEAST_CELL`. */
const LEAST_CELL = 2 * LEAST_POINT;
const CELLS = cells();
const CELL_POINTS = Float64Array.from(CELLS, (level) => POINTS[level]!);

/**
 * From the middle between two points on, the upper one is nearer. All middles
 * are halves, so that a level holds for whole cells between halves.
 */
function cells(): Uint8Array {
  const levels = new Uint8Array(2 * (MOST_POINT - LEAST_POINT));
  for (let level = 1; level < POINTS.length; level++) {
    const twiceMiddle = POINTS[level - 1]! + POINTS[level]!;
    levels.fill(level, twiceMiddle - LEAST_CELL);
  }
  return levels;
}

/** IQ4_NL: a scale and 32 nibbles that stand for points of a curve. */
export const createIq4Nl: CreateQuantizer = (columns, importance) => {
  const fit = fitOf(importance);
  const levels = new Uint8Array(GROUP);
  return {
    row(x, at, out, outAt) {
      for (let column = 0; column < columns; column += GROUP) {
        const first = at + column;
        const mean = fround(sumOfSquares(x, first, GROUP) * (2 / GROUP));
        const scale = fit(x, first, column, mean);
        put16(out, outAt, toHalf(scale));
        const inverse = scale === 0 ? 0 : fround(1 / scale);
        setLevels(levels, 0, x, first, inverse);
        packLevels(levels, out, outAt + 2);
        outAt += 2 + GROUP / 2;
      }
    },
  };
};

/** IQ4_XS: a scale, 8 scales of 6 bits, and nibbles as of IQ4_NL. */
export const createIq4Xs: CreateQuantizer = (columns, importance) => {
  const fit = fitOf(importance);
  const levels = new Uint8Array(BLOCK);
  const scales = new Float32Array(GROUPS);
  return {
    row(x, at, out, outAt) {
      for (let column = 0; column < columns; column += BLOCK) {
        const first = at + column;
        const mean = fround(sumOfSquares(x, first, BLOCK) * (2 / BLOCK));
        let max = 0;
        for (let j = 0; j < GROUPS; j++) {
          const start = GROUP * j;
          scales[j] = fit(x, first + start, column + start, mean);
          if (abs(scales[j]!) > abs(max)) max = scales[j]!;
        }
        const d = fround(-max / 32);
        const inverse = d === 0 ? 0 : fround(1 / d);
        put16(out, outAt, toHalf(d));
        out.fill(0, outAt + 2, outAt + 8);
        for (let j = 0; j < GROUPS; j++) {
          const scale = nearestIntWithin(
            fround(inverse * scales[j]!),
            -32,
            31,
          );
          const step = fround(d * scale);
          const own = step === 0 ? 0 : fround(1 / step);
          setLevels(levels, GROUP * j, x, first + GROUP * j, own);
          putScale(scale + 32, j, out, outAt + 2);
        }
        packLevels(levels, out, outAt + 8);
        outAt += 8 + BLOCK / 2;
      }
    },
  };
};

/** Adds one of 8 scales: two upper bits to a word, nibbles to the bytes after. */
function putScale(
  scale: number,
  j: number,
  out: Uint8Array,
  at: number,
): void {
  const upper = at + (j >> 2);
  const lower = at + 2 + (j >> 1);
  out[upper] = out[upper]! | scale >> 4 << 2 * (j & 3);
  out[lower] = out[lower]! | (scale & 15) << 4 * (j & 1);
}

/** Finds the scale of 32 weights, whose surroundings have a mean square. */
type Fit = (
  x: Float32Array,
  at: number,
  column: number,
  mean: number,
) => number;

function fitOf(importance: Float32Array | undefined): Fit {
  const group = new Float64Array(GROUP);
  const weighing = importance && { importance, group };
  let sumQx = 0;
  let sumQ2 = 0;

  function sum(x: Float32Array, at: number, inverse: number): void {
    sumQx = 0;
    sumQ2 = 0;
    for (let i = 0; i < GROUP; i++) {
      const value = x[at + i]!;
      const point = pointOf(fround(inverse * value));
      const wq = fround(group[i]! * point);
      sumQx = fround(sumQx + fround(wq * value));
      sumQ2 = fround(sumQ2 + fround(wq * point));
    }
  }

  return (x, at, column, mean) => {
    if (weighing !== undefined) weigh(weighing, column, x, at, mean);
    else {
      for (let i = 0; i < GROUP; i++) {
        group[i] = fround(x[at + i]! * x[at + i]!);
      }
    }
    const max = largest(x, at, GROUP);
    if (abs(max) < LEAST_GROUP) return 0;
    sum(x, at, fround(1 / fround(-max / LEAST_POINT)));
    let scale = sumQ2 > 0 ? fround(sumQx / sumQ2) : 0;
    let best = fround(scale * sumQx);
    for (let k = -TRIES; k <= TRIES; k++) {
      sum(x, at, fround((k + LEAST_POINT) / max));
      if (sumQ2 > 0 && fround(sumQx * sumQx) > fround(best * sumQ2)) {
        scale = fround(sumQx / sumQ2);
        best = fround(scale * sumQx);
      }
    }
    return scale;
  };
}

/** The level whose point is nearest, the upper one of two; of NaN the lowest. */
function levelOf(value: number): number {
  const cell = floor(value + value) - LEAST_CELL;
  if (!(cell >= 0)) return 0;
  return cell < CELLS.length ? CELLS[cell]! : POINTS.length - 1;
}

/** What the level of {@linkcode levelOf} stands for. */
function pointOf(value: number): number {
  const cell = floor(value + value) - LEAST_CELL;
  if (!(cell >= 0)) return LEAST_POINT;
  return cell < CELLS.length ? CELL_POINTS[cell]! : MOST_POINT;
}

function setLevels(
  levels: Uint8Array,
  levelsAt: number,
  x: Float32Array,
  at: number,
  inverse: number,
): void {
  for (let i = 0; i < GROUP; i++) {
    levels[levelsAt + i] = levelOf(fround(inverse * x[at + i]!));
  }
}

function packLevels(levels: Uint8Array, out: Uint8Array, at: number): void {
  for (let first = 0; first < levels.length; first += GROUP) {
    for (let i = first; i < first + 16; i++) {
      out[at++] = levels[i]! | levels[i + 16]! << 4;
    }
  }
}
