import { logSumExp, type TokenLogit, topTokens } from "./logits.ts";

/** Options for scores of continuations. */
export interface ContinuationOptions {
  /**
   * How many of the most likely tokens each token of a continuation gets, best
   * first: what could stand in its place. Reads all logits back. Defaults to 0.
   */
  top?: number | undefined;
  /**
   * Whether BOS is put before a prompt that is text. Defaults to what the file
   * says. With `false` a prompt of no token stands for EOS, as in the evaluation
   * harness, else for BOS.
   */
  bos?: boolean | undefined;
  /**
   * Whether special tokens in texts are found. Defaults to `false`: text is only
   * text.
   */
  special?: boolean | undefined;
  /**
   * Whether a prompt that leaves too little of the context loses its first
   * tokens, BOS excepted, as many as each continuation needs. Defaults to
   * `false`: it is an error.
   */
  truncate?: boolean | undefined;
  /**
   * Whether a prompt that begins like one before it runs only from there on. The
   * score stays the same. Defaults to `true`.
   */
  reuse?: boolean | undefined;
  /** Stops between batches. */
  signal?: AbortSignal | undefined;
}

/** Those of the options that speak of tokens, not of text. */
export type ContinuationIdOptions = Pick<
  ContinuationOptions,
  "top" | "reuse" | "signal"
>;

/** What a model says of a token of a continuation. */
export interface ContinuationToken {
  /** The token. */
  id: number;
  /** Its natural log-probability given all before it. */
  logprob: number;
  /**
   * How many tokens are likelier: 0 for the one that is taken greedily. Of
   * equals, those with a lower id count as likelier.
   */
  rank: number;
  /** The most likely tokens in its place, where they are asked for. */
  top?: TokenLogit[];
}

/** What a model says of a continuation. */
export interface ContinuationScore {
  /** Sum of the log-probabilities. */
  loglikelihood: number;
  /** Whether greedy decoding would say exactly this. */
  isGreedy: boolean;
  /** Its tokens, in order. */
  tokens: ContinuationToken[];
  /** Tokens that the prompt lost at its start, where it is truncated. */
  dropped: number;
}

/**
 * Checks the options of a score of continuations.
 *
 * @param options The options.
 * @throws {RangeError} If one is out of its range.
 * @throws The signal's reason, where it is aborted already.
 */
export function checkContinuationOptions(
  { top = 0, signal }: ContinuationOptions,
): void {
  if (!Number.isInteger(top) || top < 0) {
    throw new RangeError(
      `Cannot score: top is ${top}, an integer from 0 on is wanted`,
    );
  }
  signal?.throwIfAborted();
}

/** What logits say of tokens that could stand behind them. */
export class LogitsRow {
  readonly #logits: Float32Array;
  readonly #tokens: number;
  readonly #total: number;
  readonly #top: TokenLogit[];

  /**
   * Creates a {@linkcode LogitsRow}.
   *
   * @param logits The logits, `[vocabularySize]`.
   * @param options Tokens that have a rank, and how many of the best to give.
   */
  constructor(
    logits: Float32Array,
    { tokens, top }: { tokens: number; top: number },
  ) {
    this.#logits = logits;
    this.#tokens = tokens;
    this.#total = logSumExp(logits);
    const known = logits.subarray(0, tokens);
    this.#top = top > 0 ? topTokens(known, top, this.#total) : [];
  }

  /**
   * What they say of a token.
   *
   * @param id The token.
   * @returns Its log-probability, summed in f64, and its rank.
   * @throws {Error} If a logit is no number.
   */
  token(id: number): ContinuationToken {
    const own = this.#logits[id]!;
    const logprob = own - this.#total;
    if (!Number.isFinite(logprob)) {
      throw new Error(
        "Cannot score: the model computed NaN, `doctor` tests the GPU",
      );
    }
    let rank = 0;
    for (let i = 0; i < this.#tokens; i++) {
      const logit = this.#logits[i]!;
      if (logit > own || (logit === own && i < id)) rank++;
    }
    const top = this.#top;
    return { id, logprob, rank, ...(top.length > 0 && { top: [...top] }) };
  }
}
