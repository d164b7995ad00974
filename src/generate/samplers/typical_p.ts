import { type Candidates, entropyOf } from "./candidates.ts";

const { fround } = Math;

/**
 * Keeps the fewest tokens that together have more than probability `p`, those
 * first whose surprise is nearest to what the model expects of any (Meister et
 * al. 2022, "Locally typical sampling"):
 *
 *     |-log(p_i) - entropy|, ascending
 *
 * Among equals the better token comes first. It may drop the best one.
 *
 * @param candidates The tokens; those that stay are left in this order.
 * @param p The probability; 1 is all.
 * @param minKeep How many to keep at least.
 */
export function applyTypicalP(
  candidates: Candidates,
  p: number,
  minKeep: number,
): void {
  if (p >= 1) return;
  candidates.sort();
  const probabilities = candidates.probabilities();
  const entropy = entropyOf(probabilities);
  const distances = probabilities.map((p) => Math.abs(-Math.log(p) - entropy));
  const order = Uint32Array.from(distances.keys())
    .sort((a, b) => compare(distances[a]!, distances[b]!) || a - b);
  let sum = 0;
  let count = 0;
  while (count < order.length) {
    sum += probabilities[order[count++]!]!;
    if (fround(sum) > fround(p) && count >= minKeep) break;
  }
  candidates.take(order.subarray(0, count));
}

// Infinity - Infinity is not 0.
function compare(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
