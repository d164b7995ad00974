import type { SampleRule } from "../../kernels/sample_cpu.ts";
import type { Candidates } from "./candidates.ts";

const { fround } = Math;

/**
 * Makes tokens that stand among the last ones less likely, as `sample.wgsl`
 * does (Keskar et al. 2019, "CTRL", and the penalties of OpenAI's API):
 *
 *     logit' = logit / repeat - count * frequency - presence
 *
 * where a negative logit is multiplied by `repeat` instead.
 *
 * @param candidates The tokens, changed in place.
 * @param rule The penalties as the kernels have them.
 * @param counts How often each token stands among the last ones.
 */
export function applyPenalties(
  candidates: Candidates,
  { repeat, inverseRepeat, fines }: SampleRule,
  counts: ReadonlyMap<number, number>,
): void {
  if (counts.size === 0) return;
  const { ids, logits, size } = candidates;
  for (let i = 0; i < size; i++) {
    const count = counts.get(ids[i]!);
    if (count === undefined) continue;
    const logit = logits[i]!;
    const scaled = fround(logit * (logit > 0 ? inverseRepeat : repeat));
    logits[i] = scaled - fines[count]!;
  }
  candidates.isSorted = false;
}
