import type { Candidates } from "./candidates.ts";

const { fround } = Math;

/** Options for {@linkcode applyXtc}. */
export interface XtcOptions {
  /** How often it acts. */
  probability: number;
  /** How likely a token must be to be one of the top choices. */
  threshold: number;
  /** How many to keep at least, or else it does nothing. */
  minKeep: number;
  /** A random number from 0 to before 1. */
  chance: number;
}

/**
 * Excludes top choices: now and then it drops all tokens of at least a
 * probability but the least likely of them (p-e-w 2024, "Exclude top choices").
 *
 * @param candidates The tokens.
 * @param options When it acts, and on what.
 */
export function applyXtc(
  candidates: Candidates,
  { probability, threshold, minKeep, chance }: XtcOptions,
): void {
  if (candidates.size < 2 || chance >= probability) return;
  candidates.sort();
  const probabilities = candidates.probabilities();
  const isTop = (p: number) => p > 0 && fround(p) >= fround(threshold);
  let last = -1;
  while (last + 1 < candidates.size && isTop(probabilities[last + 1]!)) last++;
  if (last > 0 && candidates.size - last >= minKeep) {
    candidates.slice(last, candidates.size);
  }
}
