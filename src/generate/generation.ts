import { checkIds } from "../model/check_ids.ts";
import { generate, type GenerationContext, type Prompt } from "./decode.ts";
import { namedIds } from "./logprobs.ts";
import { checkOptions, type GenerateOptions } from "./options.ts";
import type { GenerationResult, Piece } from "./result.ts";
import { resolveSampling } from "./samplers/resolve.ts";

/**
 * Text being generated. It starts when it is first read: iterate it for the
 * pieces, or await {@linkcode Generation.result} for the whole; leaving the loop
 * ends it.
 */
export class Generation implements AsyncIterable<Piece> {
  readonly #pieces: AsyncGenerator<Piece, void>;
  readonly #outcome: PromiseWithResolvers<GenerationResult>;
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
    this.#pieces = generate(context, makePrompt, resolved, this.#outcome);
  }

  /** The pieces as they come; a generation can be read once. */
  [Symbol.asyncIterator](): AsyncIterator<Piece> {
    if (this.#started) {
      throw new TypeError(
        "Cannot iterate generation: it is read already, once is possible",
      );
    }
    this.#started = true;
    let begun = false;
    return {
      next: () => {
        begun = true;
        return this.#pieces.next();
      },
      return: () => {
        // A generator that has not begun ends without a word.
        if (!begun) this.#outcome.reject(new LeftError());
        return this.#pieces.return();
      },
    };
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
    return await this.#outcome.promise;
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
