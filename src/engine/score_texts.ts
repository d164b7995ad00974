import {
  checkContinuationOptions,
  type ContinuationOptions,
  type ContinuationScore,
} from "../generate/continuations.ts";
import { splitContinuations } from "../generate/split.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { Engine } from "./engine.ts";

/**
 * Scores continuations of a prompt, texts or tokens; see `Model.score()`.
 *
 * @param model Runs the tokens, and makes them of text.
 * @param prompt What is continued.
 * @param continuations What continues it.
 * @param options How.
 * @returns One score a continuation, in order.
 */
export async function scoreTexts(
  { engine, tokenizer }: { engine: Engine; tokenizer: Tokenizer },
  prompt: string | readonly number[],
  continuations: readonly (string | readonly number[])[],
  options: ContinuationOptions,
): Promise<ContinuationScore[]> {
  checkContinuationOptions(options);
  const { bos, special, truncate, top, reuse, signal } = options;
  const context = engine.contextLength;
  const split = { bos, special, truncate, tokenizer, context };
  const scores: ContinuationScore[] = [];
  for (const group of splitContinuations(prompt, continuations, split)) {
    const ids = group.continuations.map(({ ids }) => ids);
    const { prefix, dropped } = group;
    const asked = { top, reuse, signal };
    const some = await engine.scoreContinuations(prefix, ids, asked);
    for (const [i, { index }] of group.continuations.entries()) {
      scores[index] = { ...some[i]!, dropped };
    }
  }
  return scores;
}
