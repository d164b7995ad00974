import { checkIds } from "../model/check_ids.ts";
import type { Sequence } from "../model/sequence.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import {
  logSumExp,
  namedTokens,
  type TokenLogit,
  topTokens,
} from "./logits.ts";

/**
 * Options that ask for the model's own probabilities, whatever is sampled.
 *
 * @example
 * ```ts
 * import { loadModel } from "@seraph/seraph";
 *
 * await using model = await loadModel("models/stories260k-f32.gguf");
 * const generation = model.generate("Once upon a", {
 *   maxTokens: 2,
 *   topLogprobs: 3,
 *   tokenLogprobs: [" time", " day"],
 * });
 * for await (const { logprob, topLogprobs, tokenLogprobs } of generation) {
 *   console.log(logprob, topLogprobs?.[0], tokenLogprobs?.[1]?.logprob);
 * }
 * ```
 */
export interface LogprobOptions {
  /** Whether each token has its log-probability. Defaults to `false`. */
  logprobs?: boolean | undefined;
  /**
   * How many of the most likely tokens each step gives, the best first: what
   * could have stood in the token's place. Defaults to none.
   */
  topLogprobs?: number | undefined;
  /**
   * Tokens whose log-probability each step gives, in this order: ids, or texts
   * that are one token, such as `" yes"`. Defaults to none.
   */
  tokenLogprobs?: readonly (number | string)[] | undefined;
  /**
   * Whether the tokens of the prompt are given as well, with the probabilities
   * that are asked for and their own; all of them are run then, what a kept
   * sequence has of them included. Defaults to `false`.
   */
  echo?: boolean | undefined;
}

/** The same with ids alone, for what never sees text. */
export interface TokenIdLogprobOptions extends LogprobOptions {
  /** Ids whose log-probability each step gives. */
  tokenLogprobs?: readonly number[] | undefined;
}

/** What the model says of one place in the text, as far as it was asked for. */
export interface StepLogprobs {
  /** The most likely tokens, best first. */
  topLogprobs?: TokenLogit[];
  /** The tokens of `tokenLogprobs`, in that order. */
  tokenLogprobs?: TokenLogit[];
}

/** What the model says of a token of the prompt. */
export interface EchoedToken extends StepLogprobs {
  /** Token id. */
  id: number;
  /** Its log-probability given those before it, `null` for the first. */
  logprob: number | null;
}

/** The option that makes a generation read the logits of each step, if any. */
export function readsLogits(
  { logprobs, topLogprobs, tokenLogprobs }: LogprobOptions,
): keyof LogprobOptions | undefined {
  if (logprobs) return "logprobs";
  if (topLogprobs) return "topLogprobs";
  return tokenLogprobs?.length ? "tokenLogprobs" : undefined;
}

/**
 * Checks {@linkcode LogprobOptions.topLogprobs}.
 *
 * @param options The options.
 * @throws {RangeError} If it is no number of tokens.
 */
export function checkLogprobs({ topLogprobs = 0 }: LogprobOptions): void {
  if (Number.isInteger(topLogprobs) && topLogprobs >= 0) return;
  throw new RangeError(
    `Cannot generate: topLogprobs is ${topLogprobs}, an integer from 0 on is wanted`,
  );
}

/**
 * Finds the ids of named tokens.
 *
 * @param names Ids, and texts that are one token: behind other text, so that
 * `"yes"` and `" yes"` differ, or the name of a special token.
 * @param tokenizer Knows them.
 * @returns The ids, in order.
 * @throws {RangeError} If an id is out of range, or a text is not one token.
 */
export function namedIds(
  names: readonly (number | string)[],
  tokenizer: Tokenizer,
): number[] {
  const { size } = tokenizer;
  const inner = Array.from({ length: size }, (_, id) => id)
    .find((id) => !tokenizer.isSpecial(id));
  const before = inner === undefined ? [] : [inner];
  const ids = names.map((name) => {
    if (typeof name !== "string") return name;
    const special = tokenizer.specialId(name);
    if (special !== undefined) return special;
    const found = tokenizer.encodeParts([...before, name], { bos: false })
      .slice(before.length);
    if (found.length === 1) return found[0]!;
    throw new RangeError(
      `Cannot generate: tokenLogprobs has ${
        JSON.stringify(name)
      }, which is ${found.length} tokens, one is wanted`,
    );
  });
  checkIds("generate", ids, size);
  return ids;
}

/** What logits say of the place behind them, as far as options ask for it. */
export function stepLogprobs(
  { logits, tokens, total }: {
    /** The logits, `[vocabularySize]`. */
    logits: Float32Array;
    /** Tokens of the vocabulary: a model may have more rows. */
    tokens: number;
    /** Their {@linkcode logSumExp}. */
    total: number;
  },
  { topLogprobs = 0, tokenLogprobs = [] }: TokenIdLogprobOptions,
): StepLogprobs {
  const known = logits.subarray(0, tokens);
  return {
    ...(topLogprobs > 0 && {
      topLogprobs: topTokens(known, topLogprobs, total),
    }),
    ...(tokenLogprobs.length > 0 && {
      tokenLogprobs: namedTokens(known, tokenLogprobs, total),
    }),
  };
}

/**
 * Runs all of a prompt but its last token, whose logits are the first step's.
 *
 * @param sequence An empty sequence.
 * @param ids The prompt, at least one token.
 * @param options What is asked for, interruption and progress.
 * @returns What the model says of each of its tokens.
 * @throws {Error} If the model computed what is no number.
 */
export async function readPrompt(
  sequence: Sequence,
  ids: readonly number[],
  { signal, onProgress, ...asked }:
    & TokenIdLogprobOptions
    & NonNullable<Parameters<Sequence["logits"]>[1]>,
): Promise<EchoedToken[]> {
  const echoed: EchoedToken[] = [{ id: ids[0]!, logprob: null }];
  const all = ids.slice(0, -1);
  if (all.length === 0) return echoed;
  const progress = {
    signal,
    onProgress: onProgress &&
      (({ processed }: { processed: number }) =>
        onProgress({ processed, total: ids.length })),
  };
  for await (const logits of sequence.logits(all, progress)) {
    const id = ids[echoed.length]!;
    const total = logSumExp(logits);
    const logprob = logits[id]! - total;
    if (Number.isNaN(logprob)) {
      throw new Error(
        "Cannot echo the prompt: the model computed NaN, `doctor` tests the GPU",
      );
    }
    const { tokens } = sequence;
    const step = stepLogprobs({ logits, tokens, total }, asked);
    echoed.push({ id, logprob, ...step });
  }
  return echoed;
}
