import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { findMarkers } from "./markers.ts";
import { compileTemplate, type RenderMessages } from "./template.ts";
import { writeTools } from "./tool_convention.ts";
import {
  renderHalos,
  renderTulu2,
  renderTulu2Eos,
  TULU_MARKERS,
} from "./tulu.ts";

/**
 * How a chat is written for a model.
 *
 * - `tulu2`: as the model cards of Archangel print it, no end-of-sequence token
 * - `halos`: as Archangel was trained, with a newline before the first turn
 * - `tulu2-eos`: as Tulu 2 was trained, with an end-of-sequence token after
 *   each answer and a system role
 * - `template`: by the Jinja template of the model file
 * - `auto`: `template` where the file has one, else `tulu2`
 */
export type ChatFormat = "auto" | ConcreteChatFormat;

/** A {@linkcode ChatFormat} that says what is written. */
export type ConcreteChatFormat = "tulu2" | "halos" | "tulu2-eos" | "template";

/** A format, ready to render the chats of one model. */
export interface ChatWriter {
  /** The format's name. */
  format: ConcreteChatFormat;
  /** Writes a checked chat as text, the cue for the answer last. */
  render: RenderMessages;
  /** Texts that divide turns. */
  markers: readonly string[];
  /** The source that {@linkcode render} interprets, empty where it is none. */
  source: string;
}

const FORMATS: readonly unknown[] = [
  "auto",
  "tulu2",
  "halos",
  "tulu2-eos",
  "template",
];

/**
 * Makes a format ready for a model.
 *
 * @param tokenizer The model's tokenizer.
 * @param format The format's name.
 * @param template The model file's Jinja template, if it has one.
 * @returns The format.
 * @throws {TypeError} Where the format is unknown.
 * @throws {SyntaxError} Where the template cannot be parsed.
 * @throws {Error} Where the format needs what the file does not have: a
 * template, an end-of-sequence token.
 */
export async function createChatWriter(
  tokenizer: Tokenizer,
  format: ChatFormat,
  template: string = "",
): Promise<ChatWriter> {
  checkFormat(format);
  const concrete = format === "auto"
    ? template === "" ? "tulu2" : "template"
    : format;
  switch (concrete) {
    case "tulu2":
      return tuluWriter(concrete, renderTulu2);
    case "halos":
      return tuluWriter(concrete, renderHalos);
    case "tulu2-eos": {
      const eos = findEos(tokenizer);
      return tuluWriter(concrete, (chat) => renderTulu2Eos(chat, eos));
    }
    case "template":
      return await createTemplateWriter(tokenizer, template);
  }
}

/**
 * Lists the strings that guard an answer: where a model opens the next user's
 * turn by itself, the answer is over.
 *
 * @param writer The format.
 * @returns The stop strings.
 */
export function stopStrings({ markers }: ChatWriter): string[] {
  return markers.includes("<|user|>") ? ["\n<|user|>"] : [];
}

async function createTemplateWriter(
  tokenizer: Tokenizer,
  source: string,
): Promise<ChatWriter> {
  if (source === "") {
    throw new Error(
      `Cannot use format "template": the model file has no chat template, format "tulu2", "halos" or "tulu2-eos" is wanted`,
    );
  }
  const render = await compileTemplate(source, {
    bos: tokenText(tokenizer, tokenizer.bosId),
    eos: tokenText(tokenizer, tokenizer.eosId),
  });
  const markers = findMarkers(source, render);
  // A template that knows nothing of tools would leave them out.
  const knowsTools = /\btools\b/.test(source);
  return {
    format: "template",
    render: knowsTools ? render : withConvention(render),
    markers,
    source,
  };
}

function tuluWriter(
  format: ConcreteChatFormat,
  render: RenderMessages,
): ChatWriter {
  return {
    format,
    render: withConvention(render),
    markers: TULU_MARKERS,
    source: "",
  };
}

/** Writes tools and calls as text; see `tool_convention.ts`. */
function withConvention(render: RenderMessages): RenderMessages {
  return (messages, tools) => render(writeTools(messages, tools));
}

function findEos(tokenizer: Tokenizer): string {
  const eos = tokenText(tokenizer, tokenizer.eosId);
  if (eos !== "") return eos;
  throw new Error(
    `Cannot use format "tulu2-eos": the vocabulary has no end-of-sequence token, format "tulu2" is wanted`,
  );
}

function tokenText(tokenizer: Tokenizer, id: number | undefined): string {
  return id === undefined ? "" : tokenizer.vocabulary.tokens[id] ?? "";
}

function checkFormat(format: unknown): void {
  if (FORMATS.includes(format)) return;
  throw new TypeError(
    `Cannot render the chat in format "${format}": it is unknown, one of ${
      FORMATS.map((name) => `"${name}"`).join(", ")
    } is wanted`,
  );
}
