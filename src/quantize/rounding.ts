const { fround } = Math;

/** 1.5 * 2^23: a 32-bit float of this size has no bits behind the point. */
const MAGIC = 12_582_912;
const LEAST = 2 ** 23;
const MOST = 2 ** 24;

const FLOAT = new Float32Array(1);
const BITS = new Uint32Array(FLOAT.buffer);

/**
 * Rounds to the nearest integer, halves to the even one, as llama.cpp does: by
 * adding a number so large that a 32-bit float keeps no fraction, and reading
 * the integer off its bits. Beyond ±2^22 the bits are something else, and so is
 * the result; NaN gives 0.
 *
 * @param value A 32-bit float.
 * @returns The integer.
 */
export function nearestInt(value: number): number {
  const shifted = fround(value + MAGIC);
  if (shifted >= LEAST && shifted < MOST) return shifted - MAGIC;
  FLOAT[0] = shifted;
  return (BITS[0]! & 0x7fffff) - 0x400000;
}

/**
 * Rounds to an integer and limits it.
 *
 * @param value A 32-bit float.
 * @param least The least result.
 * @param most The largest result.
 * @returns The integer.
 */
export function nearestIntWithin(
  value: number,
  least: number,
  most: number,
): number {
  const level = nearestInt(value);
  return level > most ? most : level < least ? least : level;
}

/**
 * Rounds a number to a 16-bit float, halves to even. What is too large becomes
 * an infinity.
 *
 * @param value A 32-bit float.
 * @returns The 16 bits.
 */
export function toHalf(value: number): number {
  FLOAT[0] = value;
  const bits = BITS[0]!;
  const sign = bits >>> 16 & 0x8000;
  const size = bits & 0x7fffffff;
  if (size > 0x7f800000) return sign | 0x7e00;
  if (size >= 0x477ff000) return sign | 0x7c00; // from 65520 on
  if (size >= 0x38800000) { // from 2^-14 on
    return sign | (size - 0x38000000 + 0xfff + (size >>> 13 & 1)) >>> 13;
  }
  // Next to 0.5 the last bit of a float is worth 2^-24, as in a small half.
  FLOAT[0] = Math.abs(value) + 0.5;
  return sign | (BITS[0]! - 0x3f000000);
}

/**
 * What a 16-bit float stands for.
 *
 * @param bits The 16 bits.
 * @returns The number.
 */
export function fromHalf(bits: number): number {
  const exponent = bits >>> 10 & 31;
  const fraction = bits & 1023;
  const size = exponent === 0
    ? fraction * 2 ** -24
    : exponent === 31
    ? (fraction === 0 ? Infinity : NaN)
    : (1024 + fraction) * 2 ** (exponent - 25);
  return bits & 0x8000 ? -size : size;
}

/**
 * Rounds a number to the upper half of a 32-bit float, halves to even.
 *
 * @param value A 32-bit float.
 * @returns The 16 bits.
 */
export function toBfloat(value: number): number {
  FLOAT[0] = value;
  const bits = BITS[0]!;
  if ((bits & 0x7fffffff) > 0x7f800000) return bits >>> 16 | 64;
  return (bits + 0x7fff + (bits >>> 16 & 1)) >>> 16;
}
