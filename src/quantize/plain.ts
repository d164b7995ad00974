import { largest } from "./fit_symmetric.ts";
import { type CreateQuantizer, put16 } from "./format.ts";
import { toBfloat, toHalf } from "./rounding.ts";

const { fround } = Math;

/** Weights of a block. */
const BLOCK = 32;

/** 32-bit floats as they are. */
export const createF32: CreateQuantizer = (columns) => {
  const value = new Float32Array(1);
  const bytes = new Uint8Array(value.buffer);
  return {
    row(x, at, out, outAt) {
      for (let i = 0; i < columns; i++) {
        value[0] = x[at + i]!;
        for (let k = 0; k < 4; k++) out[outAt + 4 * i + k] = bytes[k]!;
      }
    },
  };
};

/** 16-bit floats. */
export const createF16: CreateQuantizer = (columns) => ({
  row(x, at, out, outAt) {
    for (let i = 0; i < columns; i++) {
      put16(out, outAt + 2 * i, toHalf(x[at + i]!));
    }
  },
});

/** The upper halves of 32-bit floats. */
export const createBf16: CreateQuantizer = (columns) => ({
  row(x, at, out, outAt) {
    for (let i = 0; i < columns; i++) {
      put16(out, outAt + 2 * i, toBfloat(x[at + i]!));
    }
  },
});

/** Q8_0: a scale and 32 bytes with signs; importance makes no difference. */
export const createQ8: CreateQuantizer = (columns) => ({
  row(x, at, out, outAt) {
    for (let first = at; first < at + columns; first += BLOCK) {
      const scale = fround(Math.abs(largest(x, first, BLOCK)) / 127);
      const inverse = scale === 0 ? 0 : fround(1 / scale);
      put16(out, outAt, toHalf(scale));
      for (let i = 0; i < BLOCK; i++) {
        const v = fround(x[first + i]! * inverse);
        // Halves go away from 0; in 64 bits the sum is exact.
        out[outAt + 2 + i] = Math.trunc(v < 0 ? v - 0.5 : v + 0.5);
      }
      outAt += 2 + BLOCK;
    }
  },
});
