import { fitAffine, searchOf } from "./fit_affine.ts";
import { fitScales } from "./fit_scales.ts";
import {
  type CreateQuantizer,
  put16,
  type RowQuantizer,
  sumOfSquares,
  weigh,
} from "./format.ts";
import { fromHalf, nearestInt, nearestIntWithin, toHalf } from "./rounding.ts";

const { abs, fround, min: lesser, sqrt } = Math;

const BLOCK = 256;
const GROUP = 32;
const GROUPS = BLOCK / GROUP;
const MOST_SCALE = 63;

/** Where the parts of a block lie; its scale and the scale of mins come first. */
const SCALES = 4;
const QUANTS = SCALES + 12;

/** What differs between Q4_K and Q5_K. */
interface Shape {
  /** Bits of a level. */
  readonly bits: 4 | 5;
  /** What is searched where no importance is known. */
  readonly plain: { first: number; step: number; tries: number };
}

/** Q4_K: 256 nibbles, `w = d * s * level - dmin * m` by groups of 32. */
export const createQ4K: CreateQuantizer = (columns, importance) =>
  create(columns, importance, {
    bits: 4,
    plain: { first: -1, step: 0.1, tries: 20 },
  });

/** Q5_K: as Q4_K, with a fifth bit of each level. */
export const createQ5K: CreateQuantizer = (columns, importance) =>
  create(columns, importance, {
    bits: 5,
    plain: { first: -0.5, step: 0.1, tries: 15 },
  });

/** What stands for a block: scales and mins of its groups, and theirs. */
interface BlockScales {
  readonly scales: Uint8Array;
  readonly mins: Uint8Array;
  d: number;
  dmin: number;
}

function create(
  columns: number,
  importance: Float32Array | undefined,
  { bits, plain }: Shape,
): RowQuantizer {
  const group = new Float64Array(GROUP);
  const levels = new Uint8Array(BLOCK);
  const scales = new Float32Array(GROUPS);
  const mins = new Float32Array(GROUPS);
  const most = (1 << bits) - 1;
  const search = searchOf({
    count: GROUP,
    most,
    importance: group,
    levels,
    ...(importance === undefined
      ? { ...plain }
      : { first: -0.9, step: 0.05, tries: 36 }),
  });
  const sums = new Float32Array(GROUPS);
  const found: BlockScales = {
    scales: new Uint8Array(GROUPS),
    mins: new Uint8Array(GROUPS),
    d: 0,
    dmin: 0,
  };
  const fit = { count: GROUPS, most: MOST_SCALE, importance: sums };
  const scaleFit = { ...fit, levels: found.scales };
  const minFit = { ...fit, levels: found.mins };

  function findPlain(x: Float32Array, at: number): void {
    for (let j = 0; j < GROUPS; j++) {
      const first = at + GROUP * j;
      const mean = fround(sumOfSquares(x, first, GROUP) / GROUP);
      const size = fround(sqrt(mean));
      for (let i = 0; i < GROUP; i++) {
        group[i] = fround(size + abs(x[first + i]!));
      }
      scales[j] = fitAffine(search, x, first, GROUP * j);
      mins[j] = search.min;
    }
    found.d = roundScales(scales, found.scales);
    found.dmin = roundScales(mins, found.mins);
  }

  function findWeighed(x: Float32Array, at: number, column: number): void {
    const weighing = { importance: importance!, group };
    const variance = fround(fround(2 * sumOfSquares(x, at, BLOCK)) / BLOCK);
    for (let j = 0; j < GROUPS; j++) {
      const first = at + GROUP * j;
      weigh(weighing, column + GROUP * j, x, first, variance);
      let sum = 0;
      for (let i = 0; i < GROUP; i++) sum = fround(sum + group[i]!);
      sums[j] = sum;
      scales[j] = fitAffine(search, x, first, GROUP * j);
      mins[j] = search.min;
    }
    found.d = toHalf(fitScales(scaleFit, scales));
    found.dmin = toHalf(fitScales(minFit, mins));
    if (bits === 5) limitScales(found); // as llama.cpp does for these alone
  }

  return {
    row(x, at, out, outAt) {
      for (let column = 0; column < columns; column += BLOCK) {
        const first = at + column;
        if (importance === undefined) findPlain(x, first);
        else findWeighed(x, first, column);
        put16(out, outAt, found.d);
        put16(out, outAt + 2, found.dmin);
        packScales(found, out, outAt + SCALES);
        unpackScales(found, out, outAt + SCALES);
        setLevels(levels, x, first, found, most);
        outAt = packLevels(levels, bits, out, outAt + QUANTS);
      }
    },
  };
}

/** Rounds scales to 6 bits; their own scale is returned, a 16-bit float. */
function roundScales(values: Float32Array, levels: Uint8Array): number {
  let max = 0;
  for (let j = 0; j < GROUPS; j++) if (values[j]! > max) max = values[j]!;
  const inverse = max > 0 ? fround(MOST_SCALE / max) : 0;
  for (let j = 0; j < GROUPS; j++) {
    const level = nearestInt(fround(inverse * values[j]!)) & 255;
    levels[j] = lesser(MOST_SCALE, level);
  }
  return toHalf(fround(max / MOST_SCALE));
}

/** Takes the nearest levels to the scales as they were written. */
function setLevels(
  levels: Uint8Array,
  x: Float32Array,
  at: number,
  found: BlockScales,
  most: number,
): void {
  const d = fromHalf(found.d);
  const dmin = fromHalf(found.dmin);
  for (let j = 0; j < GROUPS; j++) {
    const scale = fround(d * found.scales[j]!);
    if (scale === 0) continue;
    const min = fround(dmin * found.mins[j]!);
    for (let i = GROUP * j; i < GROUP * (j + 1); i++) {
      const v = fround(fround(x[at + i]! + min) / scale);
      levels[i] = nearestIntWithin(v, 0, most);
    }
  }
}

/** Packs 8 scales and 8 mins of 6 bits into 12 bytes. */
function packScales(
  { scales, mins }: BlockScales,
  out: Uint8Array,
  at: number,
): void {
  for (let j = 0; j < 4; j++) {
    out[at + j] = scales[j]! | scales[j + 4]! >> 4 << 6;
    out[at + j + 4] = mins[j]! | mins[j + 4]! >> 4 << 6;
    out[at + j + 8] = scales[j + 4]! & 15 | (mins[j + 4]! & 15) << 4;
  }
}

/** A scale below 0, of groups that are fitted badly, is a byte above the most. */
function limitScales({ scales, mins }: BlockScales): void {
  for (let j = 0; j < GROUPS; j++) {
    scales[j] = lesser(MOST_SCALE, scales[j]!);
    mins[j] = lesser(MOST_SCALE, mins[j]!);
  }
}

/** Reads what was written: a byte above the most has reached into others. */
function unpackScales(
  { scales, mins }: BlockScales,
  bytes: Uint8Array,
  at: number,
): void {
  for (let j = 0; j < 4; j++) {
    const scale = bytes[at + j]!;
    const min = bytes[at + j + 4]!;
    const low = bytes[at + j + 8]!;
    scales[j] = scale & 63;
    mins[j] = min & 63;
    scales[j + 4] = low & 15 | scale >> 6 << 4;
    mins[j + 4] = low >> 4 | min >> 6 << 4;
  }
}

/** Packs the levels, fifth bits first, and tells where the block ends. */
function packLevels(
  levels: Uint8Array,
  bits: 4 | 5,
  out: Uint8Array,
  at: number,
): number {
  if (bits === 5) {
    for (let i = 0; i < GROUP; i++) {
      let high = 0;
      for (let j = 0; j < GROUPS; j++) {
        high |= (levels[GROUP * j + i]! >> 4) << j;
      }
      out[at + i] = high;
    }
    at += GROUP;
  }
  for (let pair = 0; pair < BLOCK; pair += 2 * GROUP) {
    for (let i = pair; i < pair + GROUP; i++) {
      out[at++] = levels[i]! & 15 | (levels[i + GROUP]! & 15) << 4;
    }
  }
  return at;
}
