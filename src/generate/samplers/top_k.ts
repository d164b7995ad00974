import type { Candidates } from "./candidates.ts";

/**
 * Keeps the `k` best tokens (Fan et al. 2018, "Hierarchical neural story
 * generation"), the lower ids among equals.
 *
 * @param candidates The tokens.
 * @param k How many; 0 is all.
 */
export function applyTopK(candidates: Candidates, k: number): void {
  if (k <= 0) return;
  candidates.sort();
  candidates.slice(0, k);
}
