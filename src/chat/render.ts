import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { createComposer, type Prompt } from "./compose.ts";
import { fitLargest } from "./fit.ts";
import {
  type ChatFormat,
  type ConcreteChatFormat,
  createChatWriter,
  stopStrings,
} from "./format.ts";
import { guardMarkers, type MarkerMode, neutralizeMarkers } from "./markers.ts";
import {
  type ChatMessage,
  checkMessages,
  countTurns,
  lastTurns,
} from "./messages.ts";
import type { PromptParts } from "./specials.ts";
import { mapTools } from "./tool_texts.ts";
import { checkTools, type ToolOptions } from "./tools.ts";

export type { ChatFormat, ConcreteChatFormat } from "./format.ts";
export type { MarkerMode } from "./markers.ts";
export type { ChatMessage, ChatRole } from "./messages.ts";

/** Length up to which the tokens of a text that is too long are counted. */
const COUNTED_TEXT = 2 ** 18;

/** Options for {@linkcode renderChat}. */
export interface RenderChatOptions extends ToolOptions {
  /** How the chat is written. Defaults to `"tulu2"`. */
  format?: ChatFormat | undefined;
  /**
   * Ends the prompt with `<|good|>` or `<|bad|>`, for models trained with
   * control tokens. Defaults to none.
   */
  control?: "good" | "bad" | undefined;
  /**
   * What to do with turn markers inside message text, such as `<|user|>`: break
   * them by a space, throw an error, or leave them. Whatever is chosen, no
   * message yields special tokens. Defaults to `"neutralize"`.
   */
  markers?: MarkerMode | undefined;
  /** The model file's `tokenizer.chat_template`. Defaults to none. */
  template?: string | undefined;
  /** Tokens that the model can attend to, at least 2. */
  contextLength: number;
  /**
   * Tokens to keep free for the answer when old turns are dropped. The last
   * turn alone may use all but one. Defaults to `1`.
   */
  reserve?: number | undefined;
  /** Stops it before the chat is written. */
  signal?: AbortSignal | undefined;
}

/** A chat as a model reads it. */
export interface RenderedChat {
  /**
   * The exact text, special tokens spelled out, without the BOS that the
   * tokenizer adds.
   */
  prompt: string;
  /** The prompt's tokens, BOS included. */
  ids: number[];
  /** Stop strings that guard the answer. */
  stop: string[];
  /** How the chat was written. */
  format: ConcreteChatFormat;
  /** How many of the oldest messages were left out. */
  droppedMessages: number;
}

/**
 * Renders a chat as the prompt for a model's next answer.
 *
 * The prompt is encoded as one text. A chat that is too long loses its oldest
 * turns, a user message and its answer each; a leading system message stays.
 *
 * @param tokenizer The model's tokenizer.
 * @param messages An optional system message, then user and assistant in turn,
 * a user message last. Behind an assistant's calls come their results; tools are
 * written by the template, or else as `tool_convention.ts` has it.
 * @param options The format and the limits.
 * @returns The prompt.
 * @throws {TypeError} Where a message or an option is not what it should be.
 * @throws {RangeError} Where the order of messages is wrong, where the last user
 * message is empty or too long, or where turn markers are rejected.
 * @throws {SyntaxError} Where the template cannot be parsed.
 * @throws {Error} Where the template throws, or the file lacks what the options
 * ask for.
 */
export async function renderChat(
  tokenizer: Tokenizer,
  messages: readonly ChatMessage[],
  options: RenderChatOptions,
): Promise<RenderedChat> {
  return (await composeChat(tokenizer, messages, options)).rendered;
}

/**
 * Renders a chat as {@linkcode renderChat} does, for what encodes an answer
 * together with it.
 *
 * @param tokenizer The model's tokenizer.
 * @param messages The chat.
 * @param options The format and the limits.
 * @returns The prompt, and what it was encoded from.
 */
export async function composeChat(
  tokenizer: Tokenizer,
  messages: readonly ChatMessage[],
  options: RenderChatOptions,
): Promise<{ rendered: RenderedChat; prompt: Prompt }> {
  const { format = "tulu2", template, markers = "neutralize" } = options;
  options.signal?.throwIfAborted();
  checkOptions(options);
  checkMessages(messages);
  const controlId = findControl(tokenizer, options.control);
  const writer = await createChatWriter(tokenizer, format, template);
  options.signal?.throwIfAborted();
  const chat = guardMarkers(messages, writer.markers, markers);
  const offered = checkTools(options);
  const compose = createComposer(tokenizer, writer, chat, {
    markers,
    controlId,
    tools: markers === "allow"
      ? offered
      : mapTools(offered, (text) => neutralizeMarkers(text, writer.markers)),
  });
  const { ids, prompt, kept } = fitChat(tokenizer, chat, compose, options);
  const rendered = {
    prompt: prompt.text,
    ids,
    stop: stopStrings(writer),
    format: writer.format,
    droppedMessages: messages.length - kept,
  };
  return { rendered, prompt };
}

/** Drops the oldest turns until the prompt fits. */
function fitChat(
  tokenizer: Tokenizer,
  chat: readonly ChatMessage[],
  compose: (messages: readonly ChatMessage[]) => Prompt,
  { contextLength, reserve = 1 }: RenderChatOptions,
): { ids: number[]; prompt: Prompt; kept: number } {
  const turns = countTurns(chat);
  const budget = contextLength - reserve;
  const lastBudget = Math.max(budget, contextLength - 1);
  const longest = longestToken(tokenizer);

  const fitted = fitLargest(turns, (size) => {
    const messages = lastTurns(chat, size);
    const prompt = compose(messages);
    const limit = size === 1 ? lastBudget : budget;
    const length = textLength(prompt.parts);
    const least = Math.ceil(length / longest);
    // too long in any encoding: spend no time on it but for the error's number
    if (least > limit && size > 1) return undefined;
    if (least > limit && length > COUNTED_TEXT) {
      throw tooLong(chat, `at least ${least}`, limit);
    }
    const ids = tokenizer.encodeParts(prompt.parts, { bos: prompt.bos });
    if (ids.length <= limit) return { ids, prompt, kept: messages.length };
    if (size > 1) return undefined;
    throw tooLong(chat, ids.length, limit);
  });
  return fitted!.value; // the size of 1 has thrown, if it does not fit
}

function tooLong(
  chat: readonly ChatMessage[],
  length: number | string,
  limit: number,
): RangeError {
  const what = chat[0]?.role === "system"
    ? "the system message and the last user turn alone take"
    : "the last user turn alone takes";
  return new RangeError(
    `Cannot fit the chat into the context: ${what} ${length} tokens, at most ${limit} are wanted`,
  );
}

function textLength(parts: PromptParts): number {
  return parts.reduce<number>(
    (length, part) => length + (typeof part === "string" ? part.length : 0),
    0,
  );
}

/** No token stands for more characters than this. */
function longestToken({ vocabulary }: Tokenizer): number {
  return vocabulary.tokens.reduce(
    (longest, token) => Math.max(longest, token.length),
    1,
  );
}

function findControl(
  tokenizer: Tokenizer,
  control: RenderChatOptions["control"],
): number | undefined {
  if (control === undefined) return undefined;
  if (control !== "good" && control !== "bad") {
    throw new TypeError(
      `Cannot use control "${control}": it is unknown, "good" or "bad" is wanted`,
    );
  }
  const id = tokenizer.specialId(`<|${control}|>`);
  if (id !== undefined) return id;
  throw new Error(
    `Cannot use control "${control}": the vocabulary has no special token "<|${control}|>", a model trained with it is wanted`,
  );
}

function checkOptions(options: RenderChatOptions): void {
  const { markers = "neutralize", contextLength, reserve = 1 } = options;
  if (!["neutralize", "reject", "allow"].includes(markers)) {
    throw new TypeError(
      `Cannot treat turn markers by "${markers}": it is unknown, "neutralize", "reject" or "allow" is wanted`,
    );
  }
  if (!Number.isInteger(contextLength) || contextLength < 2) {
    throw new RangeError(
      `Cannot fit the chat into the context: contextLength is ${contextLength}, an integer of at least 2 is wanted`,
    );
  }
  if (!Number.isInteger(reserve) || reserve < 0) {
    throw new RangeError(
      `Cannot fit the chat into the context: reserve is ${reserve}, an integer of at least 0 is wanted`,
    );
  }
}
