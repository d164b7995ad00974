import { fitByChanges } from "./fit_changes.ts";
import { fitSymmetric, symmetricSearch } from "./fit_symmetric.ts";
import { type CreateQuantizer, put16, sumOfSquares, weigh } from "./format.ts";
import { packPairs } from "./q2_k.ts";
import { fromHalf, nearestInt, nearestIntWithin, toHalf } from "./rounding.ts";

const { abs, fround } = Math;

const BLOCK = 256;
const GROUP = 16;
const GROUPS = BLOCK / GROUP;
const HALF = 4;
const HALF_SCALE = 32;

/** Where the parts of a block lie; the third bits come first. */
const QUANTS = BLOCK / 8;
const SCALES = QUANTS + BLOCK / 4;
const SCALE = SCALES + 12;
const BYTES = SCALE + 2;

/** Q3_K: 256 levels from -4 to 3, `w = d * s * level` by groups of 16. */
export const createQ3K: CreateQuantizer = (columns, importance) => {
  const group = new Float64Array(GROUP);
  const levels = new Uint8Array(BLOCK);
  const scales = new Float32Array(GROUPS);
  const packed = new Uint8Array(GROUPS);
  const sums = new Float64Array(GROUPS);
  const fit = symmetricSearch({
    count: GROUP,
    half: HALF,
    importance: group,
    levels,
  });
  const scaleFit = symmetricSearch({
    count: GROUPS,
    half: HALF_SCALE,
    importance: sums,
    levels: packed,
  });

  /** Sets the scales by the weights alone; returns the scale of them. */
  function setPlain(x: Float32Array, at: number): number {
    let max = 0;
    for (let j = 0; j < GROUPS; j++) {
      const scale = fitByChanges(x, at + GROUP * j, levels, GROUP * j);
      scales[j] = scale;
      if (abs(scale) > abs(max)) max = scale;
    }
    if (max === 0) {
      packed.fill(0);
      return 0;
    }
    const inverse = fround(-HALF_SCALE / max);
    for (let j = 0; j < GROUPS; j++) {
      const level = nearestInt(fround(inverse * scales[j]!)) << 24 >> 24;
      packed[j] = Math.max(-32, Math.min(31, level)) + HALF_SCALE;
    }
    return fround(1 / inverse);
  }

  /** Sets the scales by importance; returns the scale of them. */
  function setWeighed(x: Float32Array, at: number, column: number): number {
    const weighing = { importance: importance!, group };
    const variance = fround(fround(2 * sumOfSquares(x, at, BLOCK)) / BLOCK);
    for (let j = 0; j < GROUPS; j++) {
      const first = at + GROUP * j;
      weigh(weighing, column + GROUP * j, x, first, variance);
      let sum = 0;
      for (let i = 0; i < GROUP; i++) sum = fround(sum + group[i]!);
      sums[j] = sum;
      scales[j] = fitSymmetric(fit, x, first, GROUP * j);
    }
    return fitSymmetric(scaleFit, scales, 0, 0);
  }

  return {
    row(x, at, out, outAt) {
      for (let column = 0; column < columns; column += BLOCK) {
        const first = at + column;
        const d = toHalf(
          importance === undefined
            ? setPlain(x, first)
            : setWeighed(x, first, column),
        );
        put16(out, outAt + SCALE, d);
        packScales(packed, out, outAt + SCALES);
        setLevels(levels, x, first, fromHalf(d), packed);
        packLevels(levels, out, outAt);
        outAt += BYTES;
      }
    },
  };
};

/** Packs scales of 6 bits: low nibbles in 8 bytes, upper pairs in 4. */
function packScales(scales: Uint8Array, out: Uint8Array, at: number): void {
  for (let j = 0; j < 8; j++) {
    out[at + j] = scales[j]! & 15 | (scales[j + 8]! & 15) << 4;
  }
  for (let j = 0; j < 4; j++) {
    out[at + 8 + j] = scales[j]! >> 4 | scales[j + 4]! >> 4 << 2 |
      scales[j + 8]! >> 4 << 4 | scales[j + 12]! >> 4 << 6;
  }
}

/** Takes the nearest levels to the scales as they were rounded. */
function setLevels(
  levels: Uint8Array,
  x: Float32Array,
  at: number,
  d: number,
  scales: Uint8Array,
): void {
  for (let j = 0; j < GROUPS; j++) {
    const scale = fround(d * (scales[j]! - HALF_SCALE));
    if (scale === 0) continue;
    for (let i = GROUP * j; i < GROUP * (j + 1); i++) {
      const v = fround(x[at + i]! / scale);
      levels[i] = nearestIntWithin(v, -HALF, HALF - 1) + HALF;
    }
  }
}

function packLevels(levels: Uint8Array, out: Uint8Array, at: number): void {
  for (let i = 0; i < QUANTS; i++) {
    let high = 0;
    for (let k = 0; k < 8; k++) {
      const level = levels[i + QUANTS * k]!;
      if (level > 3) {
        high |= 1 << k;
        levels[i + QUANTS * k] = level - 4;
      }
    }
    out[at + i] = high;
  }
  packPairs(levels, out, at + QUANTS);
}
