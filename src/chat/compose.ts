import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { ChatWriter } from "./format.ts";
import { breakBorderMarkers, type MarkerMode } from "./markers.ts";
import {
  chooseMarks,
  type Marks,
  markText,
  removeMarks,
  splitRuns,
} from "./marks.ts";
import type { ChatMessage } from "./messages.ts";
import {
  type ChangeText,
  mapMessage,
  mapTools,
  textsOf,
} from "./tool_texts.ts";
import type { ToolDefinition } from "./tools.ts";
import { type PromptParts, SpecialTokens } from "./specials.ts";

/** A prompt that is not encoded yet. */
export interface Prompt {
  /**
   * What is encoded, special tokens spelled out, without the BOS that the
   * tokenizer adds.
   */
  text: string;
  /** The same as texts and ids, without any BOS in front. */
  parts: PromptParts;
  /** Whether BOS is put first. */
  bos: boolean;
}

/** What is rendered. */
interface Chat {
  messages: readonly ChatMessage[];
  tools: readonly ToolDefinition[];
}

/** Options for {@linkcode createComposer}. */
export interface ComposerOptions {
  /** What to do where message text and format make up a turn marker. */
  markers: MarkerMode;
  /** Special token that comes last. Defaults to none. */
  controlId?: number | undefined;
  /** The tools that are offered. Defaults to none. */
  tools?: readonly ToolDefinition[] | undefined;
}

/**
 * Prepares the one way by which every format becomes a prompt: the messages are
 * rendered with each of their characters marked, so that what has no mark is
 * the format's own, and only there special tokens are found.
 *
 * @param tokenizer The model's tokenizer.
 * @param writer The format.
 * @param messages The chat.
 * @param options The control token, and what to do with turn markers.
 * @returns A function that composes the prompt of some of the chat's messages.
 */
export function createComposer(
  tokenizer: Tokenizer,
  writer: ChatWriter,
  messages: readonly ChatMessage[],
  options: ComposerOptions,
): (messages: readonly ChatMessage[]) => Prompt {
  const { tokens, bosId, addBos } = tokenizer.vocabulary;
  const { controlId, tools = [] } = options;
  const specials = new SpecialTokens(tokenizer);
  const marks = chooseMarks([
    writer.source,
    ...messages.flatMap(textsOf),
    JSON.stringify(tools),
  ]);
  const bosText = bosId === undefined ? "" : tokens[bosId] ?? "";

  return (kept) => {
    const marked = breakBorderMarkers(
      renderMarked(writer, clean({ messages: kept, tools }, marks), {
        marks,
        specials: specials.texts,
      }),
      writer.markers,
      marks,
      options.markers,
    );
    const parts = specials.split(splitRuns(marked, marks));
    const leading = parts.splice(0, specials.countLeadingBos(parts));
    if (parts.length === 0) {
      throw new Error(
        "Cannot render the chat template: it gives no text, a prompt is wanted",
      );
    }
    let text = removeMarks(marked, marks);
    for (const part of leading) {
      if (part !== bosId) continue;
      text = text.slice(text.indexOf(bosText) + bosText.length);
    }
    if (leading.length > 0 && !addBos) text = bosText + text;
    if (controlId !== undefined) {
      parts.push(controlId);
      text += tokens[controlId];
    }
    return { text, parts, bos: addBos || leading.length > 0 };
  };
}

/**
 * Renders messages so that their characters are marked in the result.
 *
 * Marks must not change what a template says. Where they do, as it looks into
 * its messages' texts, only those characters are marked that could open or close
 * a special token.
 */
function renderMarked(
  { render }: ChatWriter,
  { messages, tools }: Chat,
  { marks, specials }: { marks: Marks; specials: readonly string[] },
): string {
  const renderWith = (change: ChangeText) =>
    render(
      messages.map((message) => mapMessage(message, change)),
      mapTools(tools, change),
    );

  const plain = renderWith((content) => content);
  const marked = tryRender(() =>
    renderWith((content) => markText(content, marks))
  );
  if (marked !== undefined && removeMarks(marked, marks) === plain) {
    return marked;
  }
  const edges = new Set(
    specials.flatMap((text) => [[...text].at(0), [...text].at(-1)]),
  );
  return renderWith((content) => {
    const body = content.trim();
    const isInside = specials.some((text) => text.includes(body)) &&
      ![...body].some((char) => edges.has(char));
    return markText(content, marks, (char) => isInside || edges.has(char));
  });
}

/** A message that uses every character that can be a mark loses two of them. */
function clean({ messages, tools }: Chat, marks: Marks): Chat {
  const change = (text: string) => removeMarks(text, marks);
  return {
    messages: messages.map((message) => mapMessage(message, change)),
    tools: mapTools(tools, change),
  };
}

function tryRender(render: () => string): string | undefined {
  try {
    return render();
  } catch {
    return undefined; // a template can refuse text that has marks in it
  }
}
