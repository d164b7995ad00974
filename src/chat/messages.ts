import type { ToolCall } from "./tools.ts";

/** Who speaks in a {@linkcode ChatMessage}; `"tool"` is a function's result. */
export type ChatRole = "system" | "user" | "assistant" | "tool";

/** One message of a chat. */
export interface ChatMessage {
  /** Who speaks. */
  role: ChatRole;
  /** What is said: text only, special tokens in it are text as well. */
  content: string;
  /** The calls of an assistant's message. Defaults to none. */
  toolCalls?: readonly ToolCall[] | undefined;
  /** The call that a tool's message is the result of. */
  toolCallId?: string | undefined;
  /** The function of a tool's message. Defaults to what the call says. */
  name?: string | undefined;
}

const ROLES: readonly unknown[] = ["system", "user", "assistant", "tool"];

/**
 * Checks that messages make a chat that a model can answer: an optional system
 * message, then user and assistant in turn, a user message with text last. An
 * assistant's calls are followed by a tool's message at least, which may be the
 * last one.
 *
 * @param messages The messages, oldest first.
 * @throws {TypeError} Where a message has an unknown role or no text content.
 * @throws {RangeError} Where the order of the messages is wrong, where there is
 * none, or where the last one is empty.
 */
export function checkMessages(messages: readonly ChatMessage[]): void {
  if (!Array.isArray(messages)) {
    throw new TypeError(
      `Cannot render the chat: messages is ${
        kindOf(messages)
      }, an array is wanted`,
    );
  }
  if (messages.length === 0) {
    throw new RangeError(
      "Cannot render the chat: there are no messages, at least one user message is wanted",
    );
  }
  messages.forEach(checkMessage);
  const start = messages[0]?.role === "system" ? 1 : 0;
  for (let i = start; i < messages.length; i++) {
    checkRole(messages, i, wantedRole(messages, i, start));
  }
  checkLast(messages);
}

/**
 * Cuts a checked chat down to its newest turns. A turn is a user message with
 * its answer; the last one has no answer yet. A leading system message stays.
 *
 * @param messages Messages that {@linkcode checkMessages} has accepted.
 * @param turns How many turns to keep, at least 1.
 * @returns The messages that are kept.
 */
export function lastTurns(
  messages: readonly ChatMessage[],
  turns: number,
): ChatMessage[] {
  const start = messages[0]?.role === "system" ? 1 : 0;
  const first = messages.flatMap(({ role }, i) => role === "user" ? [i] : [])
    .at(-turns) ?? start;
  return [...messages.slice(0, start), ...messages.slice(first)];
}

/** Counts the turns of a checked chat, the unanswered one included. */
export function countTurns(messages: readonly ChatMessage[]): number {
  return messages.filter(({ role }) => role === "user").length;
}

function checkMessage(message: ChatMessage, i: number): void {
  if (typeof message !== "object" || message === null) {
    throw new TypeError(
      `Cannot render the chat: message ${i} is ${
        kindOf(message)
      }, an object is wanted`,
    );
  }
  const { role, content } = message;
  if (!ROLES.includes(role)) {
    throw new TypeError(
      `Cannot render the chat: message ${i} has role ${
        show(role)
      }, "system", "user", "assistant" or "tool" is wanted`,
    );
  }
  if (typeof content !== "string") {
    throw new TypeError(
      `Cannot render the chat: message ${i} has content of type ${
        kindOf(content)
      }, a string is wanted`,
    );
  }
  if (message.toolCalls !== undefined) checkToolCalls(message, i);
}

function checkToolCalls({ role, toolCalls }: ChatMessage, i: number): void {
  const areCalls = role === "assistant" && Array.isArray(toolCalls) &&
    toolCalls.every((call: Partial<ToolCall>) =>
      typeof call?.id === "string" && typeof call.name === "string" &&
      kindOf(call.arguments) === "object"
    );
  if (areCalls) return;
  throw new TypeError(
    `Cannot render the chat: message ${i} has toolCalls, calls of { id, name, arguments } by the assistant are wanted`,
  );
}

/** Who may speak after those before: of user and tool, the latter. */
function wantedRole(
  messages: readonly ChatMessage[],
  i: number,
  start: number,
): ChatRole {
  if (i === start) return "user";
  const { role, toolCalls = [] } = messages[i - 1]!;
  if (role === "assistant") return toolCalls.length > 0 ? "tool" : "user";
  const isNextResult = role === "tool" && messages[i]?.role === "tool";
  return isNextResult ? "tool" : "assistant";
}

function checkRole(
  messages: readonly ChatMessage[],
  i: number,
  wanted: ChatRole,
): void {
  const role = messages[i]?.role;
  if (role === wanted) return;
  const place = role === "system"
    ? "a system message as the first alone"
    : `"${wanted}"`;
  throw new RangeError(
    `Cannot render the chat: message ${i} has role "${role}", ${place} is wanted`,
  );
}

function checkLast(messages: readonly ChatMessage[]): void {
  const i = messages.length - 1;
  const last = messages[i];
  if (last?.role === "tool") return; // it may have nothing to say
  if (last?.role !== "user") {
    throw new RangeError(
      `Cannot render the chat: message ${i}, the last, has role "${last?.role}", "user" is wanted`,
    );
  }
  if (last.content === "") {
    throw new RangeError(
      `Cannot render the chat: empty prompt, message ${i}, the last, with text is wanted`,
    );
  }
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

function show(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
