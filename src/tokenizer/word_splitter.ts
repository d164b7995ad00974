import type { PreTokenizer } from "./pre_tokenizers.ts";
import { CLASS_UNITS, createClassTable } from "./unicode_classes.ts";

/** Members of each class that a pattern can name: ASCII and its stand-in. */
const CLASSES: Readonly<Record<string, string>> = {
  "\\p{L}": `A-Za-z${unit("letter")}`,
  "\\p{Lu}": `A-Z${unit("letter")}`,
  "\\p{Ll}": `a-z${unit("letter")}`,
  "\\p{N}": `0-9${unit("number")}`,
  "\\p{P}": `!-#%-*,-/:;?@\\[-\\]_{}${unit("punctuation")}`,
  "\\p{S}": `$+<=>^\`|~${unit("symbol")}`,
  "\\p{M}": unit("mark"),
};

/** Characters above U+FFFF that DeepSeek's list of letters has. */
const HIGH_LETTERS =
  /[\u{10400}-\u{1044f}\u{104b0}-\u{104d3}\u{104d8}-\u{104fb}\u{10c80}-\u{10cb2}\u{10cc0}-\u{10cf2}\u{118a0}-\u{118df}\u{1e900}-\u{1e943}]/u;
/** Stands for them: a letter of that list, and in no other range. */
const HIGH_LETTER = "\u00b5";
/** Stands for what no pattern names: a code point that no text needs. */
const NOTHING = "\ufffe";

interface Pattern {
  expression: RegExp;
  /** Whether it has characters above ASCII, which classes would hide. */
  isLiteral: boolean;
}

/**
 * Splits text into words as a pre-tokenizer says.
 *
 * As in llama.cpp, patterns never see the text itself, but a view of it that has
 * one unit for each character: its class, or for patterns that name characters
 * above ASCII the character. So lengths count characters, white space is the
 * same everywhere, and a pattern takes linear time and no stack.
 */
export class WordSplitter {
  readonly #patterns: readonly Pattern[];
  readonly #classes = createClassTable();

  /**
   * Creates a {@linkcode WordSplitter}.
   *
   * @param preTokenizer How to split.
   */
  constructor({ patterns }: PreTokenizer) {
    this.#patterns = patterns.map((source) => ({
      expression: new RegExp(
        source.replace(/\\p\{\w+\}/g, (name) => CLASSES[name]!),
        "g",
      ),
      isLiteral: !isAscii(source),
    }));
  }

  /**
   * Splits a text.
   *
   * @param text Well-formed text.
   * @returns The words; joined they are the text.
   */
  split(text: string): string[] {
    const classes = isAscii(text) ? text : this.#classesOf(text);
    let characters: string | undefined;
    let ends = [classes.length];
    for (const { expression, isLiteral } of this.#patterns) {
      if (isLiteral) characters ??= isAscii(text) ? text : charactersOf(text);
      const view = isLiteral ? characters! : classes;
      ends = splitPieces(view, ends, expression);
    }
    return cut(text, ends, classes.length === text.length);
  }

  #classesOf(text: string): string {
    const units = new Uint8Array(text.length);
    let count = 0;
    for (let i = 0; i < text.length; i++) {
      const code = text.codePointAt(i)!;
      if (code > 0xffff) i++;
      units[count++] = this.#classes[code]!;
    }
    // Windows-1252 by the standard, which is Latin-1 for all units in use.
    return new TextDecoder("latin1").decode(units.subarray(0, count));
  }
}

/** The text with one unit for each character, whether a pattern names it or not. */
function charactersOf(text: string): string {
  return text.replace(
    /[\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/g,
    "\v",
  ).replace(
    /[\ufeff\u{10000}-\u{10ffff}]/gu,
    (character) => HIGH_LETTERS.test(character) ? HIGH_LETTER : NOTHING,
  );
}

/**
 * Splits the pieces of a text further.
 *
 * @param view The text.
 * @param ends Where each piece ends.
 * @param expression What to match in each piece, as if it stood alone.
 * @returns Where each of the new pieces ends.
 */
function splitPieces(
  view: string,
  ends: readonly number[],
  expression: RegExp,
): number[] {
  const split: number[] = [];
  let start = 0;
  for (const end of ends) {
    const piece = view.slice(start, end);
    let last = 0;
    expression.lastIndex = 0;
    for (
      let match = expression.exec(piece);
      match !== null;
      match = expression.exec(piece)
    ) {
      if (match.index > last) split.push(start + match.index);
      last = match.index + match[0].length;
      split.push(start + last);
    }
    if (last < piece.length) split.push(end);
    start = end;
  }
  return split;
}

/** Cuts a text at ends that count characters, or its units where that is one. */
function cut(
  text: string,
  ends: readonly number[],
  isUnits: boolean,
): string[] {
  let start = 0;
  let count = 0;
  return ends.map((end) => {
    let unit = isUnits ? end : start;
    for (; !isUnits && count < end; count++) {
      unit += text.codePointAt(unit)! > 0xffff ? 2 : 1;
    }
    const word = text.slice(start, unit);
    start = unit;
    return word;
  });
}

function isAscii(text: string): boolean {
  return !/[^\0-\x7f]/.test(text);
}

function unit(name: keyof typeof CLASS_UNITS): string {
  return String.fromCharCode(CLASS_UNITS[name]);
}
