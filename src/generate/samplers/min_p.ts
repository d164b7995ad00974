import type { Candidates } from "./candidates.ts";

const { fround } = Math;

/**
 * Keeps tokens with at least `p` times the best one's probability (Nguyen et
 * al. 2024, "Turning up the heat: min-p sampling"), compared as logits:
 *
 *     logit >= best + log(p)
 *
 * @param candidates The tokens.
 * @param p The share; 0 is all.
 * @param minKeep How many to keep at least.
 */
export function applyMinP(
  candidates: Candidates,
  p: number,
  minKeep: number,
): void {
  if (p <= 0) return;
  const { logits, size } = candidates;
  const best = candidates.bestPlace();
  const least = fround(logits[best]! + fround(Math.log(p)));
  const kept: number[] = [];
  for (let i = 0; i < size; i++) {
    if (logits[i]! >= least || i === best) kept.push(i);
  }
  if (kept.length >= minKeep) {
    const { isSorted } = candidates;
    candidates.take(Uint32Array.from(kept));
    candidates.isSorted = isSorted;
  } else {
    candidates.sort();
    candidates.slice(0, minKeep);
  }
}
