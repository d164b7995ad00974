import { drawByRace, type RaceKey } from "../../kernels/race.ts";
import { LOG2_E } from "../../kernels/sample_cpu.ts";
import type { Candidates } from "./candidates.ts";

/**
 * Draws one of the candidates by their probabilities, as `sample.wgsl` does: the
 * order they are in makes no difference.
 *
 * @param candidates The tokens, one of them with a finite logit.
 * @param key What random numbers depend on.
 * @returns Its id.
 */
export function drawId(candidates: Candidates, key: RaceKey): number {
  const { ids, logits, size } = candidates;
  const best = logits[candidates.bestPlace()]!;
  const racers = {
    ids: ids.subarray(0, size),
    logits: logits.subarray(0, size),
    best,
    scale: LOG2_E,
  };
  return ids[drawByRace(racers, key)]!;
}
