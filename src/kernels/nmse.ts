/**
 * Normalised mean squared error: `sum (a - e)^2 / sum e^2`; a NaN makes it NaN.
 *
 * @param actual What was computed, at least as long as `expected`.
 * @param expected What was wanted.
 */
export function nmse(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
): number {
  let error = 0;
  let power = 0;
  for (let i = 0; i < expected.length; i++) {
    error += (actual[i]! - expected[i]!) ** 2;
    power += expected[i]! ** 2;
  }
  return error / power;
}
