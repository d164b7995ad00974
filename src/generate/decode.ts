import { nextTurn } from "../gpu/next_turn.ts";
import type { Sequence } from "../model/sequence.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { AnswerText } from "./answer_text.ts";
import { logSumExp } from "./logits.ts";
import { type GenerateOptions, stopStrings } from "./options.ts";
import { type GenerationResult, type Piece, Progress } from "./result.ts";
import { createSampler } from "./sampler.ts";
import { TextFilter } from "./text_filter.ts";

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

/** Where a generation's result or error goes. */
export type Outcome = Pick<
  PromiseWithResolvers<GenerationResult>,
  "resolve" | "reject"
>;

/**
 * Borrows a sequence for the decode loop, and reports how it ended.
 *
 * @param context The model.
 * @param makePrompt Gives what is continued.
 * @param options How.
 * @param outcome Gets the result or the error.
 * @returns The pieces.
 */
export async function* generate(
  context: GenerationContext,
  makePrompt: () => Prompt | Promise<Prompt>,
  options: GenerateOptions,
  { resolve, reject }: Outcome,
): AsyncGenerator<Piece, void> {
  const start = performance.now();
  let sequence: Sequence | undefined;
  let progress: Progress | undefined;
  try {
    options.signal?.throwIfAborted();
    const prompt = await makePrompt();
    sequence = await context.acquire();
    progress = new Progress({
      loadMs: context.loadMs,
      promptTokens: prompt.ids.length,
      start,
    });
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
  const text = new AnswerText(
    tokenizer.stream({ previousId: prompt.ids.at(-1)! }),
    createFilter(prompt, options),
  );
  // The last token takes no room: nothing comes after it.
  const room = context.context - prompt.ids.length + 1;
  const most = Math.min(maxTokens, room);

  signal?.throwIfAborted();
  let logits = await sequence.append(prompt.ids, { signal });
  progress.prefilled = performance.now();
  await nextTurn();
  signal?.throwIfAborted();
  if (most === 0) progress.finishReason = "length";
  while (progress.finishReason === "abort") {
    // A model may have more rows than its vocabulary has tokens.
    const known = logits.subarray(0, tokenizer.size);
    const id = sampler.sample(known, progress.ids.length);
    if (Number.isNaN(known[id])) {
      throw new Error(
        "Cannot generate: the model computed NaN, `doctor` tests the GPU",
      );
    }
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

function createFilter(
  { stop = [], trimEnd = false }: Prompt,
  options: GenerateOptions,
): TextFilter {
  return new TextFilter({
    stop: [...stopStrings(options.stop), ...stop],
    // The prompt of a chat ends a line: an answer begins a new one.
    stopAtStart: stop.filter((one) => one.startsWith("\n"))
      .map((one) => one.slice(1)),
    trimEnd,
  });
}
