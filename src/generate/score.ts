import { checkIds } from "../model/check_ids.ts";
import type { Sequence } from "../model/sequence.ts";
import { logSumExp, type TokenLogit, topTokens } from "./logits.ts";

/** What a model says of one token of a text. */
export interface ScoredToken {
  /** The token. */
  id: number;
  /**
   * Its natural log-probability given the tokens before it, `null` for the
   * first.
   */
  logprob: number | null;
  /** The model's best next tokens after it, best first. */
  top: TokenLogit[];
}

/** What a model says of a text. */
export interface Score {
  /** Sum of the log-probabilities. */
  loglikelihood: number;
  /** The tokens, in order. */
  positions: ScoredToken[];
}

/** Options for {@linkcode scoreTokens}. */
export interface ScoreOptions {
  /** How many best next tokens each position gets. Defaults to 0. */
  top?: number | undefined;
  /** Stops between batches. */
  signal?: AbortSignal | undefined;
}

/**
 * Checks what {@linkcode scoreTokens} is asked for, before it takes memory.
 *
 * @param ids The tokens.
 * @param limits Positions of the context, and rows of the embedding.
 * @param options The options.
 * @throws {RangeError} If there are no ids, too many, or one is out of range, or
 * an option is.
 * @throws The signal's reason, where it is aborted already.
 */
export function checkScore(
  ids: readonly number[],
  { context, vocabularySize }: { context: number; vocabularySize: number },
  { top = 0, signal }: ScoreOptions,
): void {
  if (!Number.isInteger(top) || top < 0) {
    throw new RangeError(
      `Cannot score: top is ${top}, an integer from 0 on is wanted`,
    );
  }
  if (ids.length === 0 || ids.length > context) {
    throw new RangeError(
      `Cannot score: there are ${ids.length} tokens, from 1 to ${context} are wanted`,
    );
  }
  checkIds("score", ids, vocabularySize);
  signal?.throwIfAborted();
}

/**
 * Gives the log-probability of each token after those before it.
 *
 * @param sequence An empty sequence.
 * @param ids The tokens, taken as they are; see {@linkcode checkScore}.
 * @param options How many alternatives.
 * @returns The probabilities, from logits summed in f64.
 */
export async function scoreTokens(
  sequence: Sequence,
  ids: readonly number[],
  { top = 0, signal }: ScoreOptions = {},
): Promise<Score> {
  const positions: ScoredToken[] = [];
  let loglikelihood = 0;
  let next: number | null = null;
  for await (const logits of sequence.logits(ids, { signal })) {
    const i = positions.length;
    positions.push({
      id: ids[i]!,
      logprob: next,
      top: top > 0 ? topTokens(logits, top) : [],
    });
    loglikelihood += next ?? 0;
    const following = ids[i + 1];
    if (following !== undefined) {
      next = logits[following]! - logSumExp(logits);
      if (Number.isNaN(next)) {
        throw new Error(
          "Cannot score: the model computed NaN, `doctor` tests the GPU",
        );
      }
    }
  }
  return { loglikelihood, positions };
}
