import { type Marks, marksPattern, removeMarks } from "./marks.ts";
import type { ChatMessage } from "./messages.ts";
import type { RenderMessages } from "./template.ts";
import { mapMessage, textsOf } from "./tool_texts.ts";

/** What to do with a turn marker inside message text. */
export type MarkerMode = "neutralize" | "reject" | "allow";

const SHAPES: readonly RegExp[] = [
  /<[|｜][^|｜<>\s]+[|｜]>/g, // <|user|>, <|im_start|>
  /\[\/?[A-Z][A-Z_]+\]/g, // [INST], [/INST]
  /<<\/?[A-Z]+>>/g, // <<SYS>>
  /<\/?[a-z]+(?:_[a-z]+)+>/g, // <start_of_turn>
  /(?:#{1,6} )?\b(?:System|User|Human|Assistant|Instruction|Response|Input):/g,
  /\b(?:SYSTEM|USER|HUMAN|ASSISTANT):/g,
];

const PROBES: readonly (readonly ChatMessage[])[] = [
  [
    { role: "system", content: "." },
    { role: "user", content: "." },
    { role: "assistant", content: "." },
    { role: "user", content: "." },
  ],
  [
    { role: "user", content: "." },
    { role: "assistant", content: "." },
    { role: "user", content: "." },
  ],
];

/**
 * Finds the texts by which a template divides turns: those that stand in its
 * source, and those that it puts together, such as `'<|' + role + '|>'`.
 *
 * @param source The template.
 * @param render The compiled template.
 * @returns The markers, each once.
 */
export function findMarkers(source: string, render: RenderMessages): string[] {
  const texts = [source, ...PROBES.map((probe) => tryRender(render, probe))];
  const found = texts.flatMap((text) =>
    SHAPES.flatMap((shape) => text.match(shape) ?? [])
  );
  return [...new Set(found)];
}

/**
 * Replaces turn markers inside message text by text that is no marker: a space
 * is put into each (`< |user|>`, `USER :`).
 *
 * @param text The text.
 * @param markers The markers.
 * @returns Text in which no marker occurs.
 */
export function neutralizeMarkers(
  text: string,
  markers: readonly string[],
): string {
  if (markers.length === 0) return text;
  const pattern = markerPattern(markers);
  // a space can complete a marker that has one, hence again until none is left
  for (let before = ""; before !== text;) {
    before = text;
    text = before.replace(pattern, breakMarker);
  }
  return text;
}

/**
 * Finds the first turn marker inside message text.
 *
 * @param text The text.
 * @param markers The markers.
 * @returns The marker as the text has it, or `undefined` where there is none.
 */
function findMarker(
  text: string,
  markers: readonly string[],
): string | undefined {
  if (markers.length === 0) return undefined;
  return markerPattern(markers).exec(text)?.[0];
}

/**
 * Treats the turn markers inside the texts of messages.
 *
 * @param messages The messages.
 * @param markers The markers.
 * @param mode What to do with them.
 * @returns The messages to render.
 * @throws {RangeError} Where the mode is `"reject"` and there is a marker.
 */
export function guardMarkers(
  messages: readonly ChatMessage[],
  markers: readonly string[],
  mode: MarkerMode,
): readonly ChatMessage[] {
  if (mode === "allow") return messages;
  return messages.map((message, i) => {
    const marker = mode === "reject" &&
      textsOf(message).map((text) => findMarker(text, markers))
        .find((found) => found !== undefined);
    if (marker) {
      throw new RangeError(
        `Cannot render the chat: message ${i} has the turn marker ${
          JSON.stringify(marker)
        }, text without turn markers is wanted`,
      );
    }
    return mapMessage(message, (text) => neutralizeMarkers(text, markers));
  });
}

/**
 * Treats turn markers that message text and format make up together, as where a
 * template puts brackets round a text.
 *
 * @param text Rendered text with marks on what comes from messages.
 * @param markers The markers.
 * @param marks The marks.
 * @param mode What to do with them.
 * @returns The text without such markers, marks kept.
 * @throws {RangeError} Where the mode is `"reject"` and there is a marker.
 */
export function breakBorderMarkers(
  text: string,
  markers: readonly string[],
  marks: Marks,
  mode: MarkerMode,
): string {
  if (mode === "allow" || markers.length === 0) return text;
  const mark = marksPattern(marks);
  const isMarked = new RegExp(mark, "u");
  const first = new RegExp(`^${mark}?.`, "su");
  return text.replace(markerPattern(markers, `${mark}?`), (marker) => {
    if (!isMarked.test(marker)) return marker; // the format's own
    if (mode === "neutralize") return marker.replace(first, "$& ");
    throw new RangeError(
      `Cannot render the chat: message text and template make up the turn marker ${
        JSON.stringify(removeMarks(marker, marks))
      }, text without turn markers is wanted`,
    );
  });
}

function markerPattern(markers: readonly string[], joint: string = ""): RegExp {
  const longestFirst = [...markers].sort((a, b) => b.length - a.length);
  const sources = longestFirst.map((marker) =>
    [...marker].map((char) => joint + charPattern(char)).join("")
  );
  return new RegExp(sources.join("|"), "gu");
}

function breakMarker(marker: string): string {
  const at = marker.endsWith(":") ? -1 : [...marker][0]?.length ?? 0;
  return `${marker.slice(0, at)} ${marker.slice(at)}`;
}

function charPattern(char: string): string {
  // SentencePiece gives a space and U+2581 the same ids
  if (char === " ") return "[ \u2581]";
  return char.replace(/[\\^$.*+?()[\]{}|/]/, "\\$&");
}

function tryRender(
  render: RenderMessages,
  messages: readonly ChatMessage[],
): string {
  try {
    return render(messages);
  } catch {
    return ""; // the template refuses such a chat, so it writes no marker for it
  }
}
