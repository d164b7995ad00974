import { argmax, topIds } from "../kernels/top_ids.ts";

/** A candidate for the next token. */
export interface TokenLogit {
  /** Token id. */
  id: number;
  /** The model's own score. */
  logit: number;
  /** Natural logarithm of the probability among all tokens. */
  logprob: number;
}

/** `log(sum(exp(logits)))`, summed in f64. */
export function logSumExp(logits: ArrayLike<number>): number {
  const max = logits[argmax(logits)]!;
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += Math.exp(logits[i]! - max);
  return max + Math.log(sum);
}

/** The `count` most likely tokens with their probabilities, best first. */
export function topTokens(
  logits: Float32Array,
  count: number,
  total: number = logSumExp(logits),
): TokenLogit[] {
  return namedTokens(logits, topIds(logits, count), total);
}

/** What the logits say of some tokens, in their order. */
export function namedTokens(
  logits: Float32Array,
  ids: Iterable<number>,
  total: number = logSumExp(logits),
): TokenLogit[] {
  return Array.from(ids, (id) => {
    const logit = logits[id]!;
    return { id, logit, logprob: logit - total };
  });
}
