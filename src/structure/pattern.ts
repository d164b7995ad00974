import {
  normalizeRanges,
  PLANE_0,
  type Range,
  subtractRanges,
} from "./code_points.ts";

/** A regular expression, as a tree of characters. */
export type Pattern =
  | { readonly kind: "set"; readonly ranges: readonly Range[] }
  | { readonly kind: "sequence"; readonly parts: readonly Pattern[] }
  | { readonly kind: "choice"; readonly parts: readonly Pattern[] }
  | {
    readonly kind: "repeat";
    readonly part: Pattern;
    readonly min: number;
    readonly max: number;
  };

const DIGIT: readonly Range[] = [[0x30, 0x39]];
const WORD: readonly Range[] = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
];
const SPACE: readonly Range[] = [[0x09, 0x0d], [0x20, 0x20], [0xa0, 0xa0]];
const LINE_ENDS: readonly Range[] = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
];
/** All that JavaScript takes for white space. */
const ALL_SPACE: readonly Range[] = [
  ...SPACE,
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
];

/** What stands for all characters but some: none that takes 16 bits twice. */
function allBut(ranges: readonly Range[]): Range[] {
  return subtractRanges(PLANE_0, ranges);
}

const CLASSES: Readonly<Record<string, readonly Range[]>> = {
  d: DIGIT,
  D: allBut(DIGIT),
  w: WORD,
  W: allBut(WORD),
  s: SPACE,
  S: allBut(ALL_SPACE),
};

const CONTROLS: Readonly<Record<string, number>> = {
  t: 0x09,
  n: 0x0a,
  v: 0x0b,
  f: 0x0c,
  r: 0x0d,
  0: 0,
};

/**
 * Reads a regular expression of JavaScript: literals, classes, groups, choices,
 * quantifiers, and `^` and `$` at the ends.
 *
 * @param source The expression.
 * @returns The texts that match from end to end; each of them matches.
 * @throws {SyntaxError} If it is none.
 * @throws {TypeError} If it has what is not known here, such as a lookahead.
 */
export function parsePattern(source: string): Pattern {
  try {
    new RegExp(source, "u");
  } catch (cause) {
    try {
      new RegExp(source);
    } catch {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new SyntaxError(reason, { cause });
    }
  }
  return new PatternParser(source).parse();
}

class PatternParser {
  readonly #chars: readonly string[];
  #at = 0;

  constructor(source: string) {
    this.#chars = [...source];
  }

  parse(): Pattern {
    const pattern = this.#choice(true);
    if (this.#at < this.#chars.length) this.#refuse("an unmatched parenthesis");
    return pattern;
  }

  #peek(text: string): boolean {
    return this.#chars.slice(this.#at, this.#at + text.length).join("") ===
      text;
  }

  #take(text: string): boolean {
    if (!this.#peek(text)) return false;
    this.#at += text.length;
    return true;
  }

  #choice(isOutside: boolean): Pattern {
    const parts = [this.#sequence(isOutside)];
    while (this.#take("|")) parts.push(this.#sequence(isOutside));
    return parts.length === 1 ? parts[0]! : { kind: "choice", parts };
  }

  #sequence(isOutside: boolean): Pattern {
    const parts: Pattern[] = [];
    if (this.#peek("^")) {
      if (!isOutside) this.#refuse('"^" within a group');
      this.#at++;
    }
    while (
      this.#at < this.#chars.length && !this.#peek("|") && !this.#peek(")")
    ) {
      if (this.#peek("$")) {
        this.#at++;
        const isEnd = this.#at === this.#chars.length || this.#peek("|");
        if (!isOutside || !isEnd) this.#refuse('"$" that is not at the end');
        break;
      }
      parts.push(this.#quantified());
    }
    return parts.length === 1 ? parts[0]! : { kind: "sequence", parts };
  }

  #quantified(): Pattern {
    const part = this.#atom();
    const bounds = this.#quantifier();
    if (bounds === undefined) return part;
    this.#take("?"); // lazy or not, the texts are the same
    return { kind: "repeat", part, ...bounds };
  }

  #quantifier(): { min: number; max: number } | undefined {
    if (this.#take("*")) return { min: 0, max: Infinity };
    if (this.#take("+")) return { min: 1, max: Infinity };
    if (this.#take("?")) return { min: 0, max: 1 };
    const rest = this.#chars.slice(this.#at, this.#at + 40).join("");
    const match = /^\{(\d+)(,(\d*))?\}/.exec(rest);
    if (match === null) return undefined;
    this.#at += match[0].length;
    const min = Number(match[1]);
    const max = match[2] === undefined
      ? min
      : match[3] === ""
      ? Infinity
      : Number(match[3]);
    return { min, max };
  }

  #atom(): Pattern {
    const char = this.#chars[this.#at++]!;
    switch (char) {
      case "(":
        return this.#group();
      case "[":
        return { kind: "set", ranges: this.#class() };
      case ".":
        return { kind: "set", ranges: allBut(LINE_ENDS) };
      case "\\":
        return { kind: "set", ranges: this.#escape(false) };
      case "^":
        return this.#refuse('"^" that is not at the start');
      default:
        return { kind: "set", ranges: one(char.codePointAt(0)!) };
    }
  }

  #group(): Pattern {
    if (this.#take("?")) {
      const isNamed = this.#peek("<") && !this.#peek("<=") && !this.#peek("<!");
      if (isNamed) { while (this.#chars[this.#at++] !== ">"); }
      else if (!this.#take(":")) {
        this.#refuse(`"(?${this.#chars[this.#at]}"`);
      }
    }
    const pattern = this.#choice(false);
    if (!this.#take(")")) this.#refuse("an unmatched parenthesis");
    return pattern;
  }

  #class(): readonly Range[] {
    const isNegated = this.#take("^");
    const ranges: Range[] = [];
    while (!this.#take("]")) {
      const low = this.#classAtom(isNegated);
      const isRange = this.#peek("-") && this.#chars[this.#at + 1] !== "]";
      if (!isRange || low.length !== 1 || low[0]![0] !== low[0]![1]) {
        ranges.push(...low);
        continue;
      }
      this.#at++;
      const high = this.#classAtom(isNegated);
      if (high.length !== 1 || high[0]![0] !== high[0]![1]) {
        ranges.push(...low, [0x2d, 0x2d], ...high);
      } else {
        ranges.push([low[0]![0], high[0]![1]]);
      }
    }
    return isNegated ? allBut(ranges) : normalizeRanges(ranges);
  }

  #classAtom(isNegated: boolean): readonly Range[] {
    // What is left out of a class is all that JavaScript leaves out.
    if (isNegated && this.#take("\\s")) return ALL_SPACE;
    const char = this.#chars[this.#at++]!;
    if (char === "\\") return this.#escape(true);
    return one(char.codePointAt(0)!);
  }

  #escape(isInClass: boolean): readonly Range[] {
    const char = this.#chars[this.#at++]!;
    const known = CLASSES[char];
    if (known !== undefined) return known;
    if (isInClass && char === "b") return one(0x08);
    if (char === "0" && /\d/.test(this.#chars[this.#at] ?? "")) {
      this.#refuse("an octal escape");
    }
    const control = CONTROLS[char];
    if (control !== undefined) return one(control);
    if (char === "x") return one(this.#hex(2));
    if (char === "u") return one(this.#unicode());
    if (char === "c") return one(this.#chars[this.#at++]!.charCodeAt(0) % 32);
    if (/[A-Za-z0-9]/.test(char)) this.#refuse(`"\\${char}"`);
    return one(char.codePointAt(0)!);
  }

  #unicode(): number {
    if (this.#take("{")) {
      const end = this.#chars.indexOf("}", this.#at);
      const code = parseInt(this.#chars.slice(this.#at, end).join(""), 16);
      this.#at = end + 1;
      return code;
    }
    const code = this.#hex(4);
    const isHigh = code >= 0xd800 && code < 0xdc00;
    if (!isHigh || !this.#take("\\u")) return code;
    return 0x10000 + ((code - 0xd800) << 10) + (this.#hex(4) - 0xdc00);
  }

  #hex(digits: number): number {
    const source = this.#chars.slice(this.#at, this.#at + digits).join("");
    if (!/^[0-9a-fA-F]+$/.test(source) || source.length < digits) {
      this.#refuse("an escape that is cut off");
    }
    this.#at += digits;
    return parseInt(source, 16);
  }

  #refuse(what: string): never {
    throw new TypeError(`${what} at ${this.#at} is not supported`);
  }
}

function one(code: number): readonly Range[] {
  return [[code, code]];
}
