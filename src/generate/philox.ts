/**
 * Philox 2x32-10, a counter-based generator (Salmon et al. 2011, "Parallel
 * random numbers: as easy as 1, 2, 3"): the n-th number of a seed is computed
 * from n and the seed alone, so a run can be continued at any token.
 *
 * @param seed The key, an unsigned 32-bit integer.
 * @param counter Which number, an integer from 0 to 2^53 - 1.
 * @returns A number from 0 up to, not including, 1: 53 random bits.
 */
export function philox(seed: number, counter: number): number {
  let low = counter >>> 0;
  let high = Math.floor(counter / 2 ** 32) >>> 0;
  let key = seed >>> 0;
  for (let round = 0; round < 10; round++) {
    const [productHigh, productLow] = multiply(low, 0xd256d193);
    low = (productHigh ^ key ^ high) >>> 0;
    high = productLow;
    key = (key + 0x9e3779b9) >>> 0;
  }
  // 27 bits of one word and 26 of the other.
  return ((low >>> 5) * 2 ** 26 + (high >>> 6)) / 2 ** 53;
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
