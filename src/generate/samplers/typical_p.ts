import { type Candidates, entropyOf } from "./candidates.ts";
import { radixOrder } from "./radix_order.ts";

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
  // As f32, whose bits are in the order of the numbers.
  const distances = Float32Array.from(
    probabilities,
    (p) => Math.abs(-Math.log(p) - entropy),
  );
  const order = radixOrder(new Uint32Array(distances.buffer));
  let sum = 0;
  let count = 0;
  while (count < order.length) {
    sum += probabilities[order[count++]!]!;
    if (fround(sum) > fround(p) && count >= minKeep) break;
  }
  candidates.take(order.subarray(0, count));
}
