import type { ChatMessage } from "./messages.ts";

/** The TuluV2 formats that are built in. */
export type TuluFormat = "tulu2" | "halos" | "tulu2-eos";

/** The texts that open a turn in every TuluV2 format. */
export const TULU_MARKERS: readonly string[] = [
  "<|user|>",
  "<|assistant|>",
  "<|system|>",
];

const CUE = "<|assistant|>\n";

/**
 * Writes a chat as a model card of Archangel prints it: turns divided by a
 * newline, no end-of-sequence token, `<|assistant|>` and a newline last.
 *
 * @param messages A checked chat without a system message.
 * @returns The prompt.
 * @throws {RangeError} Where there is a system message.
 */
export function renderTulu2(messages: readonly ChatMessage[]): string {
  refuseSystem("tulu2", messages);
  return messages.map(openTurn).concat(CUE).join("\n");
}

/**
 * Writes a chat as Archangel was trained on it (HALOs): as
 * {@linkcode renderTulu2}, with a newline before the first turn.
 *
 * @param messages A checked chat without a system message.
 * @returns The prompt.
 * @throws {RangeError} Where there is a system message.
 */
export function renderHalos(messages: readonly ChatMessage[]): string {
  refuseSystem("halos", messages);
  return ["", ...messages.map(openTurn), CUE].join("\n");
}

/**
 * Writes a chat as Tulu 2 was trained on it: a newline ends each turn, and the
 * end-of-sequence token stands before it after an assistant's text.
 *
 * @param messages A checked chat.
 * @param eos Text of the end-of-sequence token.
 * @returns The prompt.
 */
export function renderTulu2Eos(
  messages: readonly ChatMessage[],
  eos: string,
): string {
  const turns = messages.map((message) =>
    openTurn(message) + (message.role === "assistant" ? eos : "") + "\n"
  );
  return turns.join("") + CUE;
}

function openTurn({ role, content }: ChatMessage): string {
  return `<|${role}|>\n${content}`;
}

function refuseSystem(
  format: TuluFormat,
  messages: readonly ChatMessage[],
): void {
  if (messages[0]?.role !== "system") return;
  throw new RangeError(
    `Cannot render the chat: message 0 has role "system", for which format "${format}" has no trained form, format "tulu2-eos" is wanted`,
  );
}
