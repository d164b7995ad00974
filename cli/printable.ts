/** Control characters, lone surrogates and the like: what shows as nothing. */
const HIDDEN = /[\p{C}\u2028\u2029]/gu;

/** Characters that take two columns, roughly: of East Asia, and emoji. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

/**
 * Makes text of a file fit to be shown: in one line, with escapes for what a
 * terminal would not show or take as a command.
 *
 * @param text Any text.
 * @returns The text, escaped as in JSON.
 */
export function printable(text: string): string {
  return JSON.stringify(text).slice(1, -1).replace(HIDDEN, (character) => {
    const code = character.codePointAt(0)!.toString(16);
    return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, "0")}`;
  });
}

/**
 * Cuts text off where columns end.
 *
 * @param text Text of one line.
 * @param columns How many columns it may take, at least one.
 * @returns The text, with an ellipsis where something is cut off.
 */
export function cut(text: string, columns: number): string {
  let used = 0;
  let shown = ""; // what leaves room for the ellipsis
  for (const character of text) {
    used += WIDE.test(character) ? 2 : 1;
    if (used > columns) return `${shown}…`;
    if (used < columns) shown += character;
  }
  return text;
}

/**
 * How many columns standard output has.
 *
 * @returns Those of the terminal, `Infinity` where it is none.
 */
export function columnsOfOutput(): number {
  if (!Deno.stdout.isTerminal()) return Infinity;
  try {
    return Math.max(1, Deno.consoleSize().columns);
  } catch {
    return Infinity;
  }
}
