import {
  checkContinuationOptions,
  type ContinuationOptions,
  type ContinuationScore,
} from "../generate/continuations.ts";
import {
  checkScore,
  type Score,
  type ScoreOptions,
} from "../generate/score.ts";
import { splitContinuations } from "../generate/split.ts";
import { encodePrompt, type PromptInput } from "../prompt/encode.ts";
import { Prompt } from "../prompt/prompt.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { Engine } from "./engine.ts";

/** What scores. */
interface Scorer {
  /** Runs the tokens. */
  engine: Engine;
  /** Makes them of text. */
  tokenizer: Tokenizer;
}

/**
 * Scores a text, or continuations of a prompt; see `Model.score()`.
 *
 * @param scorer What scores.
 * @param input The text or the prompt.
 * @param second Continuations, or how to score a text alone.
 * @param options How to score continuations.
 * @returns The score of the text, or one a continuation, in order.
 */
export async function scoreInput(
  scorer: Scorer,
  input: PromptInput,
  second: readonly (string | readonly number[])[] | ScoreOptions,
  options: ContinuationOptions,
): Promise<Score | ContinuationScore[]> {
  const { engine, tokenizer } = scorer;
  const { bos } = options;
  const prompt = input instanceof Prompt
    ? encodePrompt(tokenizer, input, { ...(bos !== undefined && { bos }) })
    : input;
  if (isList(second)) {
    return await scoreContinuations(scorer, prompt, second, options);
  }
  if (typeof prompt === "string") {
    throw new TypeError(
      "Cannot score: there is a prompt alone, ids or an array of continuations are wanted",
    );
  }
  const { contextLength: context, config: { vocabularySize } } = engine;
  checkScore(prompt, { context, vocabularySize }, second);
  return await engine.score(prompt, second);
}

async function scoreContinuations(
  { engine, tokenizer }: Scorer,
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

/** Whether it is an array, which `Array.isArray()` tells of mutable ones only. */
function isList<T>(value: readonly T[] | object): value is readonly T[] {
  return Array.isArray(value);
}
