/**
 * Two characters that are put before characters of message text while a chat is
 * rendered, so that afterwards it shows what came from a message.
 */
export interface Marks {
  /** Marks a character; no white space, so that trimming stops at it. */
  inner: string;
  /** Marks white space at either end of a text; trimmed together with it. */
  outer: string;
}

/** A stretch of rendered text that comes from one side alone. */
export interface Run {
  /** The text, without marks. */
  text: string;
  /** Whether it comes from a message, else from the format. */
  isContent: boolean;
}

// Noncharacters, which Unicode keeps for such inner use.
const INNER = range(0xfdd0, 0xfdef);
// Rare characters that `String.prototype.trim` removes.
const OUTER = [..."\ufeff\u2028\u2029\u1680\u205f", ...range(0x2000, 0x200a)];

/**
 * Chooses marks that occur in none of some texts.
 *
 * @param texts All texts that are going to be rendered.
 * @returns The marks. Where the texts use every character that can be one,
 * {@linkcode removeMarks} has to take the marks out of the messages first.
 */
export function chooseMarks(texts: readonly string[]): Marks {
  const unused = (char: string) => !texts.some((text) => text.includes(char));
  return {
    inner: INNER.find(unused) ?? "\ufdd0",
    outer: OUTER.find(unused) ?? "\ufeff",
  };
}

/**
 * Puts a mark before the characters of a message's text.
 *
 * @param text The text, free of marks.
 * @param marks The marks.
 * @param isChosen Which characters to mark. Defaults to all.
 * @returns The marked text.
 */
export function markText(
  text: string,
  marks: Marks,
  isChosen: (char: string) => boolean = () => true,
): string {
  const body = text.trim();
  const start = text.length - text.trimStart().length;
  const put = (part: string, mark: string) =>
    part.replace(/./gsu, (char) => isChosen(char) ? mark + char : char);
  return put(text.slice(0, start), marks.outer) + put(body, marks.inner) +
    put(text.slice(start + body.length), marks.outer);
}

/** Takes the marks out of a text. */
export function removeMarks(text: string, marks: Marks): string {
  return text.replaceAll(marks.inner, "").replaceAll(marks.outer, "");
}

/** Makes the source of a pattern that matches one mark. */
export function marksPattern({ inner, outer }: Marks): string {
  return `[${inner}${outer}]`;
}

/**
 * Splits rendered text by where it comes from.
 *
 * @param text Text rendered from messages that went through
 * {@linkcode markText}.
 * @param marks The marks.
 * @returns The runs in order, none of them empty.
 */
export function splitRuns(text: string, marks: Marks): Run[] {
  const isMark = (i: number) =>
    text[i] === marks.inner || text[i] === marks.outer;
  const runs: Run[] = [];
  // by hand: a pattern overflows the stack at some millions of characters
  let start = 0;
  while (start < text.length) {
    const isContent = isMark(start);
    let end = start;
    while (end < text.length && isMark(end) === isContent) {
      end += isContent ? 1 + characterLength(text, end + 1) : 1;
    }
    const run = removeMarks(text.slice(start, end), marks);
    if (run !== "") runs.push({ text: run, isContent });
    start = end;
  }
  return runs;
}

function characterLength(text: string, i: number): number {
  return (text.codePointAt(i) ?? 0) > 0xffff ? 2 : 1;
}

function range(first: number, last: number): string[] {
  return Array.from(
    { length: last - first + 1 },
    (_, i) => String.fromCharCode(first + i),
  );
}
