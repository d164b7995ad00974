import { fitSymmetric, LEAST_GROUP, symmetricSearch } from "./fit_symmetric.ts";
import { type CreateQuantizer, put16 } from "./format.ts";
import { fromHalf, nearestInt, nearestIntWithin, toHalf } from "./rounding.ts";

const { abs, fround, min } = Math;

const BLOCK = 256;
const GROUP = 16;
const GROUPS = BLOCK / GROUP;
const HALF = 32;

/** Where the parts of a block lie; the lower 4 bits of levels come first. */
const HIGH = BLOCK / 2;
const SCALES = HIGH + BLOCK / 4;
const SCALE = SCALES + GROUPS;
const BYTES = SCALE + 2;

/** Q6_K: 256 levels from -32 to 31, `w = d * s * level` by groups of 16. */
export const createQ6K: CreateQuantizer = (columns, importance) => {
  const levels = new Uint8Array(BLOCK);
  const scales = new Float32Array(GROUPS);
  const packed = new Int8Array(GROUPS);
  const group = importance && new Float64Array(GROUP);
  const fit = symmetricSearch({
    count: GROUP,
    half: HALF,
    importance: group,
    levels,
  });

  /** Fits each group; returns the scale that is farthest from 0. */
  function fitGroups(x: Float32Array, at: number, column: number): number {
    let max = 0;
    for (let j = 0; j < GROUPS; j++) {
      if (group !== undefined) {
        for (let i = 0; i < GROUP; i++) {
          group[i] = importance![column + GROUP * j + i]!;
        }
      }
      const scale = fitSymmetric(fit, x, at + GROUP * j, GROUP * j);
      scales[j] = scale;
      if (abs(scale) > abs(max)) max = scale;
    }
    return max;
  }

  return {
    row(x, at, out, outAt) {
      for (let column = 0; column < columns; column += BLOCK) {
        const first = at + column;
        const max = fitGroups(x, first, column);
        if (abs(max) < LEAST_GROUP) {
          out.fill(0, outAt, outAt + BYTES);
        } else {
          const inverse = fround(-128 / max);
          const d = toHalf(fround(1 / inverse));
          for (let j = 0; j < GROUPS; j++) {
            packed[j] = min(127, nearestInt(fround(inverse * scales[j]!)));
            out[outAt + SCALES + j] = packed[j]!;
          }
          put16(out, outAt + SCALE, d);
          setLevels(levels, x, first, fromHalf(d), packed);
          packLevels(levels, out, outAt);
        }
        outAt += BYTES;
      }
    },
  };
};

/** Takes the nearest levels to the scales as they were rounded. */
function setLevels(
  levels: Uint8Array,
  x: Float32Array,
  at: number,
  d: number,
  scales: Int8Array,
): void {
  for (let j = 0; j < GROUPS; j++) {
    const scale = fround(d * scales[j]!);
    if (scale === 0) continue;
    for (let i = GROUP * j; i < GROUP * (j + 1); i++) {
      const v = fround(x[at + i]! / scale);
      levels[i] = nearestIntWithin(v, -HALF, HALF - 1) + HALF;
    }
  }
}

/** Packs each half of the levels: 64 bytes of nibbles, and 32 of bit pairs. */
function packLevels(levels: Uint8Array, out: Uint8Array, at: number): void {
  for (let half = 0; half < 2; half++) {
    const low = at + 64 * half;
    const high = at + HIGH + 32 * half;
    for (let i = 0; i < 32; i++) {
      const l = 128 * half + i;
      const a = levels[l]!;
      const b = levels[l + 32]!;
      const c = levels[l + 64]!;
      const d = levels[l + 96]!;
      out[low + i] = a & 15 | (c & 15) << 4;
      out[low + 32 + i] = b & 15 | (d & 15) << 4;
      out[high + i] = a >> 4 | b >> 4 << 2 | c >> 4 << 4 | d >> 4 << 6;
    }
  }
}
