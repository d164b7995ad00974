import { checkIds } from "../model/check_ids.ts";
import { nextTurn } from "../model/next_turn.ts";
import type { Sequence } from "../model/sequence.ts";
import type { TokenStream } from "../tokenizer/token_stream.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { logSumExp } from "./logits.ts";
import { createSampler, type SamplingOptions } from "./sampler.ts";
import { TextFilter } from "./text_filter.ts";

/** Options of every generation. */
export interface GenerateOptions extends SamplingOptions {
  /**
   * Most tokens to generate. Defaults to what is left of the context.
   */
  maxTokens?: number;
  /** Strings that end the answer and are not part of it. Defaults to none. */
  stop?: string | readonly string[];
  /**
   * Whether generation goes on after the tokens that end a text. Defaults to
   * `false`.
   */
  ignoreEos?: boolean;
  /** Whether each piece has its log-probability. Defaults to `false`. */
  logprobs?: boolean;
  /** Stops the generation; iteration then throws the signal's reason. */
  signal?: AbortSignal;
}

/** One generated token, and the text that can be shown now. */
export interface Piece {
  /**
   * New text. It may lag behind the token while a character is unfinished or
   * the text may turn out to be a stop string; the pieces joined are the text.
   */
  text: string;
  /** Token id. */
  id: number;
  /** Log-probability of the token among all, where it was asked for. */
  logprob?: number;
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
  /** Tokens generated, without the one that ends the text. */
  completionTokens: number;
}

/** Times in milliseconds, and rates in tokens a second. */
export interface Timings {
  /** Loading the model. */
  loadMs: number;
  /** From the start of the generation to its first token. */
  firstTokenMs: number;
  /** Running the prompt. */
  prefillMs: number;
  /** Everything after the first token. */
  decodeMs: number;
  /** Prompt tokens a second. */
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
  /** The seed that reproduces it. */
  seed: number;
  /** Tokens counted. */
  usage: Usage;
  /** Times taken. */
  timings: Timings;
}

/** What a {@linkcode Generation} works on. */
export interface GenerationContext {
  /** Borrows a sequence. */
  acquire(): Promise<Sequence>;
  /** Gives it back. */
  release(sequence: Sequence): void;
  /** The model's tokenizer. */
  tokenizer: Tokenizer;
  /** Positions that a sequence can have. */
  context: number;
  /** Milliseconds that loading the model took. */
  loadMs: number;
}

/** A prompt in tokens, and what the text after it is. */
export interface Prompt {
  /** At least one id. */
  ids: readonly number[];
  /** Stop strings besides those of the options. Defaults to none. */
  stop?: readonly string[];
  /** Whether white space at the end of the answer is dropped. */
  trimEnd?: boolean;
}

/**
 * Text being generated. It starts when it is first read: iterate it for the
 * pieces, or await {@linkcode Generation.result} for the whole; leaving the loop
 * ends it.
 */
export class Generation implements AsyncIterable<Piece> {
  readonly #pieces: AsyncGenerator<Piece, void>;
  #result: Promise<GenerationResult>;
  #started = false;

  /**
   * Prepares a generation; options and prompt are checked at once.
   *
   * @param context The model.
   * @param prompt What is continued.
   * @param options How.
   * @throws {RangeError} If the prompt is empty or longer than the context, or
   * an id or an option is out of its range.
   */
  constructor(
    context: GenerationContext,
    prompt: Prompt | (() => Promise<Prompt>),
    options: GenerateOptions = {},
  ) {
    checkOptions(options);
    if (typeof prompt !== "function") checkPrompt(prompt, context, options);
    const { promise, resolve, reject } = Promise.withResolvers<
      GenerationResult
    >();
    promise.catch(() => {}); // who iterates gets the error there
    this.#result = promise;
    this.#pieces = generate(context, prompt, options, { resolve, reject });
  }

  /** The pieces as they come; a generation can be read once. */
  [Symbol.asyncIterator](): AsyncIterator<Piece> {
    if (this.#started) {
      throw new TypeError(
        "Cannot iterate generation: it is read already, once is possible",
      );
    }
    this.#started = true;
    return this.#pieces;
  }

  /**
   * The whole; generates it where nobody reads the pieces.
   *
   * @returns What it came to, also where the reader left early.
   * @throws What reading the pieces throws, such as the signal's reason.
   */
  async result(): Promise<GenerationResult> {
    if (!this.#started) {
      this.#started = true;
      while (!(await this.#pieces.next()).done);
    }
    return await this.#result;
  }
}

function checkOptions({ maxTokens, stop, ...sampling }: GenerateOptions): void {
  createSampler(sampling);
  if (
    maxTokens !== undefined && !(Number.isInteger(maxTokens) && maxTokens >= 0)
  ) {
    throw new RangeError(
      `Cannot generate: maxTokens is ${maxTokens}, an integer from 0 on is wanted`,
    );
  }
  if (stopStrings(stop).includes("")) {
    throw new RangeError(
      'Cannot generate: a stop string is "", at least one character is wanted',
    );
  }
}

function checkPrompt(
  { ids }: Prompt,
  { context, tokenizer }: GenerationContext,
  { maxTokens }: GenerateOptions,
): void {
  if (ids.length === 0) {
    throw new RangeError(
      "Cannot generate: the prompt is empty, at least one token is wanted",
    );
  }
  // An answer needs room for a token, unless none is asked for.
  const most = maxTokens === 0 ? context : context - 1;
  if (ids.length > most) {
    throw new RangeError(
      `Cannot generate: the prompt has ${ids.length} tokens, at most ${most} fit into the context of ${context}`,
    );
  }
  checkIds("generate", ids, tokenizer.size);
}

function stopStrings(stop: GenerateOptions["stop"] = []): readonly string[] {
  return typeof stop === "string" ? [stop] : stop;
}

/** Where a generation's result or error goes. */
type Outcome = Pick<
  PromiseWithResolvers<GenerationResult>,
  "resolve" | "reject"
>;

/** Borrows a sequence for the decode loop, and reports how it ended. */
async function* generate(
  context: GenerationContext,
  prompt: Prompt | (() => Promise<Prompt>),
  options: GenerateOptions,
  { resolve, reject }: Outcome,
): AsyncGenerator<Piece, void> {
  const start = performance.now();
  let sequence: Sequence | undefined;
  let progress: Progress | undefined;
  try {
    options.signal?.throwIfAborted();
    if (typeof prompt === "function") {
      prompt = await prompt();
      checkPrompt(prompt, context, options);
    }
    sequence = await context.acquire();
    progress = new Progress(context, prompt, start);
    yield* decode(sequence, { context, prompt, options, progress });
  } catch (error) {
    reject(error);
    throw error;
  } finally {
    if (sequence !== undefined) context.release(sequence);
    // At the end, and where the reader leaves; after an error it says nothing.
    if (progress !== undefined) resolve(progress.result());
  }
}

/** The decode loop. */
async function* decode(
  sequence: Sequence,
  { context, prompt, options, progress }: {
    context: GenerationContext;
    prompt: Prompt;
    options: GenerateOptions;
    progress: Progress;
  },
): AsyncGenerator<Piece, void> {
  const { tokenizer } = context;
  const { signal, maxTokens = Infinity, logprobs = false, ignoreEos = false } =
    options;
  const sampler = createSampler(options);
  progress.seed = sampler.seed;
  const text = new AnswerText(tokenizer, prompt, options);
  const most = Math.min(maxTokens, context.context - prompt.ids.length);

  let logits = await sequence.append(prompt.ids, { signal });
  progress.prefilled = performance.now();
  if (most === 0) progress.finishReason = "length";
  while (progress.finishReason === "abort") {
    // A model may have more rows than its vocabulary has tokens.
    const known = logits.subarray(0, tokenizer.size);
    const id = sampler.sample(known, progress.ids.length);
    const piece: Piece = { text: "", id };
    if (logprobs) piece.logprob = known[id]! - logSumExp(logits);

    const ended = !ignoreEos && tokenizer.isEndOfGeneration(id);
    if (!ended) progress.add(id);
    piece.text = ended ? "" : text.push(id);
    if (ended || text.stop !== undefined) progress.finishReason = "stop";
    else if (progress.ids.length >= most) progress.finishReason = "length";
    if (progress.finishReason !== "abort") {
      piece.text += text.end();
      if (text.stop !== undefined) {
        progress.finishReason = "stop"; // it may have come with the very end
        progress.stopString = text.stop;
      }
    }
    progress.text += piece.text;
    yield piece;

    if (progress.finishReason !== "abort") break;
    await nextTurn();
    signal?.throwIfAborted();
    logits = await sequence.append([id]);
  }
}

/** Tokens to text that can be shown. */
class AnswerText {
  readonly #stream: TokenStream;
  readonly #filter: TextFilter;
  /** The stop string that ended the text. */
  stop: string | undefined;

  constructor(tokenizer: Tokenizer, prompt: Prompt, options: GenerateOptions) {
    this.#stream = tokenizer.stream({ previousId: prompt.ids.at(-1)! });
    const { stop = [] } = prompt;
    this.#filter = new TextFilter({
      stop: [...stopStrings(options.stop), ...stop],
      // The prompt of a chat ends a line: an answer begins a new one.
      stopAtStart: stop.filter((one) => one.startsWith("\n"))
        .map((one) => one.slice(1)),
      trimEnd: prompt.trimEnd ?? false,
    });
  }

  push(id: number): string {
    return this.#show(this.#stream.push(id));
  }

  end(): string {
    if (this.stop !== undefined) return "";
    return this.#show(this.#stream.flush()) + this.#filter.flush();
  }

  #show(text: string): string {
    const filtered = this.#filter.push(text);
    this.stop = filtered.stop;
    return filtered.text;
  }
}

/** What a generation has come to so far. */
class Progress {
  readonly ids: number[] = [];
  text = "";
  seed = 0;
  stopString: string | undefined;
  /** `"abort"` until it ends by itself: that is what leaving the loop is. */
  finishReason: FinishReason = "abort";
  prefilled: number;
  #firstToken: number | undefined;
  readonly #start: number;
  readonly #context: GenerationContext;
  readonly #promptTokens: number;

  constructor(context: GenerationContext, prompt: Prompt, start: number) {
    this.#context = context;
    this.#promptTokens = prompt.ids.length;
    this.#start = this.prefilled = start;
  }

  add(id: number): void {
    this.#firstToken ??= performance.now();
    this.ids.push(id);
  }

  result(): GenerationResult {
    const { text, ids, finishReason, stopString, seed } = this;
    const prefillMs = this.prefilled - this.#start;
    // Without a token of its own, an answer is as good as done by then.
    const firstToken = this.#firstToken ?? this.prefilled;
    const decodeMs = performance.now() - firstToken;
    return {
      text,
      ids,
      finishReason,
      ...(stopString !== undefined && { stopString }),
      seed,
      usage: {
        promptTokens: this.#promptTokens,
        completionTokens: ids.length,
      },
      timings: {
        loadMs: this.#context.loadMs,
        firstTokenMs: firstToken - this.#start,
        prefillMs,
        decodeMs,
        prefillTokensPerSecond: rate(this.#promptTokens, prefillMs),
        decodeTokensPerSecond: rate(ids.length - 1, decodeMs),
      },
    };
  }
}

function rate(tokens: number, ms: number): number {
  return tokens > 0 && ms > 0 ? tokens / ms * 1000 : 0;
}
