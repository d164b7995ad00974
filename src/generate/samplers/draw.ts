import { LOG2_E, pickByWeight, weightOf } from "../../kernels/sample_cpu.ts";
import type { Candidates } from "./candidates.ts";
import type { RandomKey } from "./random.ts";

/**
 * Draws one of the candidates by their probabilities, as `sample.wgsl` does: in
 * whole numbers and by id, so that the order they are in makes no difference.
 *
 * @param candidates The tokens, one of them with a finite logit.
 * @param key What random numbers depend on.
 * @returns Its id.
 */
export function drawId(candidates: Candidates, key: RandomKey): number {
  const { ids, logits, size } = candidates;
  const best = logits[candidates.bestPlace()]!;
  let length = 0;
  for (const id of ids) length = Math.max(length, id + 1);
  const weights = new Float64Array(length);
  for (let i = 0; i < size; i++) {
    weights[ids[i]!] = weightOf(logits[i]!, best, LOG2_E);
  }
  return pickByWeight(weights, key);
}
