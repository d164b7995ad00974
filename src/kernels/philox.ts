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
