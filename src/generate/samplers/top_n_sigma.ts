import type { Candidates } from "./candidates.ts";

/**
 * Rules out tokens more than `n` standard deviations below the best one (Tang
 * et al. 2024, "Top-nσ: not all logits are you need"):
 *
 *     logit < best - n * sigma
 *
 * Tokens that are ruled out already count for neither mean nor deviation. As in
 * llama.cpp they stay, with a logit of `-Infinity`.
 *
 * @param candidates The tokens, changed in place.
 * @param n How many deviations; 0 or less is all.
 */
export function applyTopNSigma(candidates: Candidates, n: number): void {
  if (n <= 0 || candidates.size <= 1) return;
  const { logits } = candidates;
  const best = logits[candidates.bestPlace()]!;
  const mean = meanOf(logits, (logit) => logit);
  const variance = meanOf(logits, (logit) => (logit - mean) ** 2);
  const least = best - n * Math.sqrt(variance);
  for (let i = 0; i < logits.length; i++) {
    if (logits[i]! < least) logits[i] = -Infinity;
  }
  candidates.isSorted = false; // what was greater is equal now
}

/** The mean over logits that are not ruled out. */
function meanOf(
  logits: Float32Array,
  valueOf: (logit: number) => number,
): number {
  let sum = 0;
  let count = 0;
  for (const logit of logits) {
    if (logit === -Infinity) continue;
    sum += valueOf(logit);
    count++;
  }
  return sum / count;
}
