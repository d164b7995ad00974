import type { ToolCall } from "../chat/tools.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { AnswerText } from "./answer_text.ts";
import { type EchoedToken, namedIds } from "./logprobs.ts";
import { type GenerateOptions, stopStrings } from "./options.ts";
import {
  type GenerationResult,
  type Piece,
  Progress,
  type PromptToken,
} from "./result.ts";
import { readSampling } from "./sampler.ts";
import type { SpanFacts } from "./spans.ts";
import { TextFilter } from "./text_filter.ts";
import type { TokenSource } from "./tokens.ts";

/** What a {@linkcode Generation} works on. */
export interface GenerationContext {
  /** Continues prompts. */
  source: TokenSource;
  /** The model's tokenizer. */
  tokenizer: Tokenizer;
  /** Takes note of each token of the answer. */
  onToken?: ((id: number) => void) | undefined;
  /** What spans say of it. Default to a model of no name. */
  spans?: Pick<SpanFacts, "model" | "operation"> | undefined;
  /** Aborted where its reader has left: that is no error. Defaults to never. */
  left?: AbortSignal;
}

/** A prompt in tokens, and what the text after it is. */
export interface Prompt {
  /** At least one id. */
  ids: readonly number[];
  /** Stop strings besides those of the options. Defaults to none. */
  stop?: readonly string[];
  /** Whether white space at the end of the answer is dropped. */
  trimEnd?: boolean;
  /** Reads calls from the answer, where tools were offered. */
  readToolCalls?: (text: string) => ToolCall[];
}

/** Where a generation's result or error goes. */
export type Outcome = Pick<
  PromiseWithResolvers<GenerationResult>,
  "resolve" | "reject"
>;

/**
 * Makes text of tokens, and reports what it came to.
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
  let progress: Progress | undefined;
  try {
    options.signal?.throwIfAborted();
    const prompt = await makePrompt();
    progress = new Progress({
      loadMs: context.source.loadMs,
      promptTokens: prompt.ids.length,
      start,
      readToolCalls: prompt.readToolCalls,
    });
    yield* decode({ context, prompt, options, progress });
  } catch (error) {
    const { left } = context;
    const hasLeft = left?.aborted && error === left.reason;
    if (hasLeft && progress !== undefined) return;
    reject(error);
    if (!hasLeft) throw error;
  } finally {
    // At the end, and where the reader leaves; after an error it says nothing.
    if (progress !== undefined) resolve(progress.result());
  }
}

/** The decode loop: tokens to text, until one of them ends it. */
async function* decode(
  { context, prompt, options, progress }: {
    context: GenerationContext;
    prompt: Prompt;
    options: GenerateOptions;
    progress: Progress;
  },
): AsyncGenerator<Piece, void> {
  const { source, tokenizer, onToken } = context;
  const { signal, maxTokens = Infinity, ignoreEos = false } = options;
  const { ids } = prompt;
  const { seed } = readSampling(options);
  progress.seed = seed;
  const text = new AnswerText(
    // A grammar speaks of every byte: no space is taken for a dummy prefix.
    tokenizer.stream({
      previousId: ids.at(-1)!,
      special: options.grammar !== undefined,
    }),
    createFilter(prompt, options),
  );
  // The last token takes no room: nothing comes after it.
  const most = Math.min(maxTokens, source.contextLength - ids.length + 1);
  const tokenLogprobs = options.tokenLogprobs &&
    namedIds(options.tokenLogprobs, tokenizer);
  const tokenOptions = { ...options, tokenLogprobs, maxTokens: most, seed };
  for await (const chunk of source.generate(ids, tokenOptions)) {
    progress.note(chunk);
    const echoed = chunk.echoed && withTexts(chunk.echoed, tokenizer);
    progress.prompt ??= echoed;
    if (most === 0) progress.finishReason = "length";
    if (chunk.isComplete) {
      progress.finishReason = "stop";
      const rest = text.end();
      progress.text += rest;
      yield { text: rest, id: progress.ids.at(-1) ?? ids.at(-1)! };
      return;
    }
    for (const [i, id] of chunk.ids.entries()) {
      signal?.throwIfAborted();
      const logprob = chunk.logprobs?.[i];
      const piece: Piece = {
        text: "",
        id,
        ...(logprob !== undefined && { logprob }),
        ...chunk.steps?.[i],
        ...(i === 0 && echoed && { prompt: echoed }),
      };
      const ended = !ignoreEos && tokenizer.isEndOfGeneration(id);
      if (!ended) {
        progress.add(id);
        onToken?.(id);
        piece.text = text.push(id);
      }
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
      // What was computed beyond the end is dropped.
      if (progress.finishReason !== "abort") return;
    }
  }
  // The source has no room left before the text came to an end.
  progress.finishReason = "length";
  const rest = text.end();
  progress.text += rest;
  if (rest !== "") yield { text: rest, id: progress.ids.at(-1)! };
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

/** The tokens of a prompt with their texts. */
function withTexts(
  tokens: readonly EchoedToken[],
  tokenizer: Tokenizer,
): PromptToken[] {
  const texts = tokenizer.pieces(tokens.map(({ id }) => id));
  return tokens.map((token, i) => ({ ...token, text: texts[i]! }));
}
