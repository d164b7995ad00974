import type { Candidates } from "./candidates.ts";

const { fround } = Math;

/**
 * Keeps the fewest best tokens that together have at least probability `p`
 * (Holtzman et al. 2019, "The curious case of neural text degeneration").
 *
 * @param candidates The tokens.
 * @param p The probability; 1 is all.
 * @param minKeep How many to keep at least.
 */
export function applyTopP(
  candidates: Candidates,
  p: number,
  minKeep: number,
): void {
  if (p >= 1) return;
  candidates.sort();
  const probabilities = candidates.probabilities();
  let sum = 0;
  for (let i = 0; i < candidates.size; i++) {
    sum += probabilities[i]!;
    // As f32, in which 0.4 + 0.3 is the 0.7 that was asked for.
    if (fround(sum) >= fround(p) && i + 1 >= minKeep) {
      candidates.slice(0, i + 1);
      return;
    }
  }
}
