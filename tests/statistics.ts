/** Pearson's chi-squared of counts against the probabilities of each class. */
export function chiSquared(
  counts: readonly number[],
  probabilities: readonly number[],
): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts.reduce((sum, count, i) => {
    const expected = total * probabilities[i]!;
    if (expected === 0) return count === 0 ? sum : Infinity;
    return sum + (count - expected) ** 2 / expected;
  }, 0);
}

/**
 * What chi-squared exceeds once in a million tries if the probabilities are
 * right (Wilson and Hilferty's approximation).
 */
export function chiSquaredLimit(degrees: number): number {
  const z = 4.753;
  const variance = 2 / (9 * degrees);
  return degrees * (1 - variance + z * Math.sqrt(variance)) ** 3;
}
