import type { EchoedToken, StepLogprobs } from "./logprobs.ts";
import type { ToolCall } from "../chat/tools.ts";
import type { SpeculationStatistics, TokenChunk } from "./tokens.ts";

/** One generated token, and the text that can be shown now. */
export interface Piece extends StepLogprobs {
  /**
   * New text. It may lag behind the token while a character is unfinished or
   * the text may turn out to be a stop string; the pieces joined are the text.
   */
  text: string;
  /** Token id. */
  id: number;
  /** Log-probability of the token among all, where it was asked for. */
  logprob?: number;
  /** With the first piece: the prompt, where `echo` asks for it. */
  prompt?: PromptToken[];
}

/** A token of the prompt, and what the model says of it. */
export interface PromptToken extends EchoedToken {
  /** Its text alone, a special token by its name. */
  text: string;
}

/**
 * Why a generation ended: the model ended it or met a stop string (`"stop"`),
 * it came to `maxTokens` or the context's end (`"length"`), or its reader left
 * (`"abort"`).
 */
export type FinishReason = "stop" | "length" | "abort";

/** Tokens counted. */
export interface Usage {
  /** Tokens of the prompt, BOS included. */
  promptTokens: number;
  /** Of those, tokens that a kept sequence had already. */
  reusedTokens: number;
  /** Tokens generated, without the one that ends the text. */
  completionTokens: number;
}

/** Times in milliseconds, and rates in tokens a second. */
export interface Timings {
  /** Loading the model. */
  loadMs: number;
  /** From the start of the generation to its first token. */
  firstTokenMs: number;
  /** Running the prompt, and what had to be made ready for it. */
  prefillMs: number;
  /** Everything after the first token. */
  decodeMs: number;
  /** Tokens of the prompt that were run, a second. */
  prefillTokensPerSecond: number;
  /** Tokens a second after the first one; 0 where there is none. */
  decodeTokensPerSecond: number;
}

/** What a generation came to. */
export interface GenerationResult {
  /** The whole text. */
  text: string;
  /** The generated ids, without the one that ends the text. */
  ids: number[];
  /** Why it ended. */
  finishReason: FinishReason;
  /** The stop string that ended it, if one did. */
  stopString?: string;
  /** The prompt's tokens, where `echo` asks for them. */
  prompt?: PromptToken[];
  /** The seed that reproduces it, where tokens were sampled. */
  seed?: number;
  /** Tokens counted. */
  usage: Usage;
  /** How well guesses went, where there were any. */
  speculation?: SpeculationStatistics;
  /** The calls that the answer is, where tools were offered and it is calls. */
  toolCalls?: ToolCall[];
  /** Times taken. */
  timings: Timings;
}

/** What a generation has come to so far. */
export class Progress {
  /** The generated ids. */
  readonly ids: number[] = [];
  /** The text that was shown. */
  text = "";
  /** The seed in use, where tokens are sampled. */
  seed: number | undefined;
  /** The stop string that ended it. */
  stopString: string | undefined;
  /** The prompt, where it is asked for. */
  prompt: PromptToken[] | undefined;
  /** `"abort"` until it ends by itself: that is what leaving the loop is. */
  finishReason: FinishReason = "abort";
  #prefilled: number;
  #reused = 0;
  #speculation: SpeculationStatistics | undefined;
  #firstToken: number | undefined;
  readonly #start: number;
  readonly #loadMs: number;
  readonly #promptTokens: number;
  readonly #readToolCalls: ((text: string) => ToolCall[]) | undefined;

  /**
   * Creates a {@linkcode Progress}.
   *
   * @param from What is known when it starts.
   */
  constructor(
    { loadMs, promptTokens, start, readToolCalls }: {
      loadMs: number;
      promptTokens: number;
      start: number;
      readToolCalls?: ((text: string) => ToolCall[]) | undefined;
    },
  ) {
    this.#readToolCalls = readToolCalls;
    this.#loadMs = loadMs;
    this.#promptTokens = promptTokens;
    this.#start = this.#prefilled = start;
  }

  /** Takes note of what a chunk says besides its tokens. */
  note({ reused, speculation }: TokenChunk): void {
    this.#speculation = speculation ?? this.#speculation;
    if (reused === undefined) return;
    this.#prefilled = performance.now();
    this.#reused = reused;
  }

  /** Adds a generated token. */
  add(id: number): void {
    this.#firstToken ??= performance.now();
    this.ids.push(id);
  }

  /** The result, if it ended now. */
  result(): GenerationResult {
    const { text, ids, finishReason, stopString, prompt, seed } = this;
    const prefillMs = this.#prefilled - this.#start;
    // Without a token of its own, an answer is as good as done by then.
    const firstToken = this.#firstToken ?? this.#prefilled;
    const toolCalls = this.#readToolCalls?.(text) ?? [];
    const decodeMs = performance.now() - firstToken;
    return {
      text,
      ids,
      finishReason,
      ...(stopString !== undefined && { stopString }),
      ...(prompt && { prompt }),
      ...(seed !== undefined && { seed }),
      ...(toolCalls.length > 0 && { toolCalls }),
      ...(this.#speculation && { speculation: this.#speculation }),
      usage: {
        promptTokens: this.#promptTokens,
        reusedTokens: this.#reused,
        completionTokens: ids.length,
      },
      timings: {
        loadMs: this.#loadMs,
        firstTokenMs: firstToken - this.#start,
        prefillMs,
        decodeMs,
        prefillTokensPerSecond: rate(
          this.#promptTokens - this.#reused,
          prefillMs,
        ),
        decodeTokensPerSecond: rate(ids.length - 1, decodeMs),
      },
    };
  }
}

function rate(tokens: number, ms: number): number {
  return tokens > 0 && ms > 0 ? tokens / ms * 1000 : 0;
}
