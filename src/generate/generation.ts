import { checkIds } from "../model/check_ids.ts";
import { callerContext, isTracing } from "../telemetry/telemetry.ts";
import { generate, type GenerationContext, type Prompt } from "./decode.ts";
import { type StartGeneration, withEvents } from "./events.ts";
import { namedIds } from "./logprobs.ts";
import { checkOptions, type GenerateOptions } from "./options.ts";
import type { GenerationResult, Piece } from "./result.ts";
import { resolveSampling } from "./samplers/resolve.ts";
import { withSpans } from "./spans.ts";
import { pieceStream } from "./streams.ts";

/**
 * Text being generated. It starts when it is first read: iterate it for the
 * pieces, stream it, or await {@linkcode Generation.result} for the whole; leaving
 * the loop, canceling the stream or disposing of it ends it.
 *
 * ```ts
 * import { loadModel } from "@seraph/seraph";
 *
 * await using model = await loadModel("models/stories260k-f32.gguf");
 * await using generation = model.generate("One day", { maxTokens: 8 });
 * const body = generation.toTextStream().pipeThrough(new TextEncoderStream());
 * const response = new Response(body);
 * console.assert((await response.text()).length > 0);
 * ```
 */
export class Generation implements AsyncIterable<Piece>, AsyncDisposable {
  readonly #pieces: AsyncGenerator<Piece, void>;
  readonly #outcome: PromiseWithResolvers<GenerationResult>;
  /** Ends it from outside; a generator alone ends only where it yields. */
  readonly #leaving = new AbortController();
  /** Whether somebody reads it. */
  #started = false;
  /** Whether anything was asked of it. */
  #begun = false;

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
    const resolved = resolveSampling(options, context.tokenizer);
    checkOptions(resolved);
    const { tokenLogprobs } = options;
    if (tokenLogprobs) namedIds(tokenLogprobs, context.tokenizer);
    if (typeof prompt !== "function") checkPrompt(prompt, context);
    const makePrompt = typeof prompt !== "function"
      ? () => prompt
      : async () => checkPrompt(await prompt(), context);
    this.#outcome = Promise.withResolvers();
    this.#outcome.promise.catch(() => {}); // who iterates gets the error there
    const left = this.#leaving.signal;
    const { onEvent, signal } = options;
    const run: StartGeneration = (options, outcome) =>
      generate({ ...context, left }, makePrompt, options, outcome);
    const told = onEvent === undefined ? run : withEvents(run, onEvent);
    const start = isTracing()
      ? withSpans(told, {
        model: "model",
        operation: "text_completion",
        ...context.spans,
        parent: callerContext(),
      })
      : told;
    this.#pieces = start({
      ...resolved,
      signal: signal === undefined ? left : AbortSignal.any([signal, left]),
    }, this.#outcome);
  }

  /** The pieces as they come; a generation can be read once. */
  [Symbol.asyncIterator](): AsyncIterator<Piece> {
    this.#take("iterate");
    return {
      next: () => this.#next(),
      return: async () => {
        if (!this.#begun) return await this.#end();
        return await this.#pieces.return();
      },
    };
  }

  /**
   * The pieces as a stream, which generates as it is read, and ends the generation
   * where it is canceled.
   *
   * @returns The stream.
   * @throws {TypeError} If the generation is read already.
   */
  toReadableStream(): ReadableStream<Piece> {
    return this.#stream((piece) => piece);
  }

  /**
   * The text as a stream; through a `TextEncoderStream` it is the body of a
   * response.
   *
   * @returns The stream, without empty texts.
   * @throws {TypeError} If the generation is read already.
   */
  toTextStream(): ReadableStream<string> {
    return this.#stream(({ text }) => text === "" ? undefined : text);
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
      while (!(await this.#next()).done);
    }
    return await this.#outcome.promise;
  }

  /**
   * Ends it, whatever it is at, and waits until the model is free again. Its result
   * is what it had come to.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
  }

  #take(verb: string): void {
    if (this.#started) {
      throw new TypeError(
        `Cannot ${verb} generation: it is read already, once is possible`,
      );
    }
    this.#started = true;
  }

  #next(): Promise<IteratorResult<Piece, void>> {
    this.#begun = true;
    return this.#pieces.next();
  }

  async #end(): Promise<IteratorResult<Piece, void>> {
    this.#started = true;
    // A generator that has not begun ends without a word.
    const error = new LeftError();
    if (!this.#begun) this.#outcome.reject(error);
    this.#leaving.abort(error);
    return await this.#pieces.return();
  }

  #stream<T>(toChunk: (piece: Piece) => T | undefined): ReadableStream<T> {
    this.#take("stream");
    const pieces = { next: () => this.#next() };
    const leave = async () => void await this.#end();
    return pieceStream({ pieces, leave }, toChunk);
  }
}

/** Error of a generation that was left before it began. */
class LeftError extends DOMException {
  constructor() {
    super(
      "Cannot give the result of a generation: its reader left before it began",
      "AbortError",
    );
  }
}

function checkPrompt(
  prompt: Prompt,
  { source, tokenizer }: GenerationContext,
): Prompt {
  const { ids } = prompt;
  const context = source.contextLength;
  if (ids.length === 0) {
    throw new RangeError(
      "Cannot generate: the prompt is empty, at least one token is wanted",
    );
  }
  if (ids.length > context) {
    throw new RangeError(
      `Cannot generate: the prompt has ${ids.length} tokens, at most ${context} fit into the context`,
    );
  }
  checkIds("generate", ids, tokenizer.size);
  return prompt;
}
