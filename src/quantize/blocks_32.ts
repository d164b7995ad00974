import { fitAffine, searchOf } from "./fit_affine.ts";
import { fitSymmetric, largest, symmetricSearch } from "./fit_symmetric.ts";
import {
  type CreateQuantizer,
  put16,
  sumOfSquares,
  weigh,
  type Weighing,
} from "./format.ts";
import { toHalf } from "./rounding.ts";

const { fround } = Math;

/** Weights of a block. */
const BLOCK = 32;
const LARGEST_FLOAT = fround(3.4028234663852886e38);

/** Q4_0: a scale, and nibbles less 8. */
export const createQ4Symmetric: CreateQuantizer = (columns, importance) =>
  rowsOf(columns, importance, { bits: 4, fit: symmetric(4, importance) });

/** Q4_1: a scale, a minimum, and nibbles. */
export const createQ4Affine: CreateQuantizer = (columns, importance) =>
  rowsOf(columns, importance, { bits: 4, fit: affine(4, importance) });

/** Q5_0: a scale, a word of fifth bits, and nibbles, less 16. */
export const createQ5Symmetric: CreateQuantizer = (columns, importance) =>
  rowsOf(columns, importance, { bits: 5, fit: symmetric(5, importance) });

/** Q5_1: a scale, a minimum, a word of fifth bits, and nibbles. */
export const createQ5Affine: CreateQuantizer = (columns, importance) =>
  rowsOf(columns, importance, { bits: 5, fit: affine(5, importance) });

/** Finds what stands for the weights of a block. */
interface BlockFit {
  /** The levels found, `[BLOCK]`. */
  readonly levels: Uint8Array;
  /** Importance of each weight of the block, `[BLOCK]`, if it is known. */
  readonly group: Float64Array;
  /** The scale found. */
  scale: number;
  /** The minimum found; `undefined` where the format has none. */
  min: number | undefined;
  /** Sets the others for the block that begins at `at`. */
  find(x: Float32Array, at: number): void;
}

function rowsOf(
  columns: number,
  importance: Float32Array | undefined,
  { bits, fit }: { bits: 4 | 5; fit: BlockFit },
): ReturnType<CreateQuantizer> {
  const weighing: Weighing | undefined = importance &&
    { importance, group: fit.group };
  return {
    row(x, at, out, outAt) {
      const variance = weighing === undefined
        ? 0
        : fround(sumOfSquares(x, at, columns) / columns);
      for (let column = 0; column < columns; column += BLOCK) {
        if (weighing) weigh(weighing, column, x, at + column, variance);
        fit.find(x, at + column);
        outAt = packBlock(fit, bits, out, outAt);
      }
    },
  };
}

/** Writes a block and tells where the next one begins. */
function packBlock(
  { scale, min, levels }: BlockFit,
  bits: 4 | 5,
  out: Uint8Array,
  at: number,
): number {
  put16(out, at, toHalf(scale));
  at += 2;
  if (min !== undefined) {
    put16(out, at, toHalf(min));
    at += 2;
  }
  if (bits === 5) {
    let high = 0;
    for (let i = 0; i < BLOCK; i++) high |= (levels[i]! >> 4 & 1) << i;
    put16(out, at, high);
    put16(out, at + 2, high >>> 16);
    at += 4;
  }
  const mask = bits === 5 ? 15 : 255;
  for (let i = 0; i < BLOCK / 2; i++) {
    out[at + i] = levels[i]! & mask | (levels[i + BLOCK / 2]! & mask) << 4;
  }
  return at + BLOCK / 2;
}

function symmetric(
  bits: 4 | 5,
  importance: Float32Array | undefined,
): BlockFit {
  const half = 1 << bits - 1;
  const group = new Float64Array(BLOCK);
  const levels = new Uint8Array(BLOCK);
  const search = symmetricSearch({
    count: BLOCK,
    half,
    importance: group,
    levels,
  });
  return {
    levels,
    group,
    scale: 0,
    min: undefined,
    find(x, at) {
      if (importance !== undefined) {
        this.scale = fitSymmetric(search, x, at, 0);
        return;
      }
      this.scale = fround(largest(x, at, BLOCK) / -half);
      const inverse = this.scale === 0 ? 0 : fround(1 / this.scale);
      for (let i = 0; i < BLOCK; i++) {
        const v = fround(fround(x[at + i]! * inverse) + (half + 0.5));
        const level = (v | 0) << 24 >> 24; // C's conversion to a signed byte
        levels[i] = level > 2 * half - 1 ? 2 * half - 1 : level;
      }
    },
  };
}

function affine(bits: 4 | 5, importance: Float32Array | undefined): BlockFit {
  const most = (1 << bits) - 1;
  const group = new Float64Array(BLOCK);
  const levels = new Uint8Array(BLOCK);
  const search = searchOf({
    count: BLOCK,
    most,
    first: -0.9,
    step: 0.05,
    tries: 36,
    importance: group,
    levels,
  });
  return {
    levels,
    group,
    scale: 0,
    min: 0,
    find(x, at) {
      if (importance !== undefined) {
        this.scale = fitAffine(search, x, at, 0);
        this.min = -search.min;
        return;
      }
      let min = LARGEST_FLOAT;
      let max = -LARGEST_FLOAT;
      for (let i = at; i < at + BLOCK; i++) {
        if (x[i]! < min) min = x[i]!;
        if (x[i]! > max) max = x[i]!;
      }
      this.scale = fround(fround(max - min) / most);
      this.min = min;
      const inverse = this.scale === 0 ? 0 : fround(1 / this.scale);
      for (let i = 0; i < BLOCK; i++) {
        const v = fround(
          fround(fround(x[at + i]! - min) * inverse) + 0.5,
        );
        const level = (v | 0) << 24 >> 24; // C's conversion to a signed byte
        levels[i] = level > most ? most : level;
      }
    },
  };
}
