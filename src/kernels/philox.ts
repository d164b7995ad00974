/**
 * The `counter`-th random number of a seed. It is computed from the two alone,
 * so a run can be continued at any token.
 *
 * @param seed The key, an unsigned 32-bit integer.
 * @param counter Which number, an integer from 0 to 2^53 - 1.
 * @returns A number from 0 up to, not including, 1: 53 random bits.
 */
export function philox(seed: number, counter: number): number {
  const high = Math.floor(counter / 2 ** 32) >>> 0;
  const words = philox2x32(seed >>> 0, [counter >>> 0, high]);
  // 27 bits of one word and 26 of the other.
  return ((words[0] >>> 5) * 2 ** 26 + (words[1] >>> 6)) / 2 ** 53;
}

/**
 * Philox 2x32 of 10 rounds, a counter-based generator (Salmon et al. 2011,
 * "Parallel random numbers: as easy as 1, 2, 3").
 *
 * @param key An unsigned 32-bit integer.
 * @param counter Two of them, the low word first.
 * @returns Two random ones.
 */
export function philox2x32(
  key: number,
  [low, high]: readonly [low: number, high: number],
): [number, number] {
  for (let round = 0; round < 10; round++) {
    const [productHigh, productLow] = multiply(low, 0xd256d193);
    low = (productHigh ^ key ^ high) >>> 0;
    high = productLow;
    key = (key + 0x9e3779b9) >>> 0;
  }
  return [low, high];
}

/** The 64-bit product of two unsigned 32-bit integers, as two words. */
function multiply(a: number, b: number): [high: number, low: number] {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + (aLow * bLow >>> 16);
  const carry = (middle & 0xffff) + aLow * bHigh;
  const high = aHigh * bHigh + Math.floor(middle / 2 ** 16) + (carry >>> 16);
  return [high >>> 0, Math.imul(a, b) >>> 0];
}
