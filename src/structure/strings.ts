import { patternOf } from "./check_value.ts";
import { intersectRanges, PLANE_0, type Range } from "./code_points.ts";
import { FORMATS, NUMBER_FORMATS } from "./formats.ts";
import { SHORT_STRING_RANGES, STRING_RANGES } from "./json_text.ts";
import { parsePattern, type Pattern } from "./pattern.ts";
import { fitPattern, type Lengths } from "./pattern_text.ts";
import { samplePattern } from "./sample_pattern.ts";
import { keywordError, keywordOf, type Located } from "./schema.ts";

/** Texts of a format that are tried against patterns beside it. */
const TRIED = 256;

/**
 * Makes a pattern of what some schemas say of a string together: as a rule some
 * of the strings that they allow, and no other.
 *
 * @param schemas The schemas.
 * @returns The pattern, `undefined` where there is no such string.
 * @throws {TypeError} If a pattern or a format is not followed, or they are too
 * many to follow together.
 */
export function stringPattern(
  schemas: readonly Located[],
): Pattern | undefined {
  const lengths = wantedLengths(schemas);
  if (lengths.min > lengths.max) return undefined;
  const patterns = withKeyword<string>(schemas, "pattern");
  const formats = withKeyword<string>(schemas, "format").filter(({ value }) =>
    !Object.hasOwn(NUMBER_FORMATS, value) &&
    // An unknown one says again what the pattern beside it says.
    (Object.hasOwn(FORMATS, value) || patterns.length === 0)
  );
  const [format] = formats;
  const [first] = patterns;
  if (format !== undefined) {
    if (formats.some(({ value }) => value !== format.value)) {
      throw keywordError(format.schema.path, "format", "stands beside another");
    }
    return formatted(format, patterns, lengths);
  }
  if (first === undefined) {
    const isCounted = lengths.min > 0 || lengths.max < Infinity;
    // Who counts in JavaScript counts large code points twice.
    const ranges = isCounted ? SHORT_STRING_RANGES : STRING_RANGES;
    return { kind: "repeat", part: { kind: "set", ranges }, ...lengths };
  }
  const pattern = parse(first);
  const fitted = fitPattern(pattern, lengths);
  if (fitted === undefined) {
    throw keywordError(
      first.schema.path,
      "pattern",
      `is "${first.value}", of which no text is found of ${lengths.min} to ${lengths.max} characters`,
    );
  }
  for (const other of patterns.slice(1)) {
    if (other.value === first.value || isWithin(fitted, other.value)) continue;
    throw keywordError(
      other.schema.path,
      "pattern",
      `is "${other.value}", beside another one`,
    );
  }
  return fitted;
}

/** A keyword's value, and whose it is. */
interface Said<T> {
  value: T;
  schema: Located;
}

/** The schemas that have a keyword. */
export function withKeyword<T>(
  schemas: readonly Located[],
  keyword: string,
): Said<T>[] {
  return schemas.flatMap((schema) => {
    const value = keywordOf<T>(schema, keyword);
    return value === undefined ? [] : [{ value, schema }];
  });
}

function wantedLengths(schemas: readonly Located[]): Lengths {
  const values = (keyword: string) =>
    withKeyword<number>(schemas, keyword).map(({ value }) => value);
  return {
    min: Math.max(0, ...values("minLength")),
    max: Math.min(Infinity, ...values("maxLength")),
  };
}

/** The texts of a format; of its forms, that which everything else allows. */
function formatted(
  { value: format, schema }: Said<string>,
  patterns: readonly Said<string>[],
  lengths: Lengths,
): Pattern {
  const forms = Object.hasOwn(FORMATS, format) ? FORMATS[format] : undefined;
  if (forms === undefined) {
    throw keywordError(
      schema.path,
      "format",
      `is "${format}", one of ${Object.keys(FORMATS).join(", ")} is wanted`,
    );
  }
  for (const form of forms) {
    const fitted = fitPattern(parsePattern(form), lengths);
    const isAllowed = fitted !== undefined &&
      patterns.every(({ value }) => isWithin(fitted, value));
    if (isAllowed) return fitted;
  }
  throw keywordError(
    schema.path,
    "format",
    `is "${format}", of which no text is found that its pattern and lengths allow`,
  );
}

/** Whether all texts of a pattern match an expression, as far as tries tell. */
function isWithin(pattern: Pattern, source: string): boolean {
  const expression = patternOf(source);
  return samplePattern(pattern, TRIED).every((text) => expression.test(text));
}

function parse({ value, schema }: Said<string>): Pattern {
  try {
    return parsePattern(value);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw keywordError(schema.path, "pattern", `is "${value}": ${reason}`);
  }
}

/** Characters that tell texts apart by their beginning. */
const TELLING: readonly Range[] = [[0x30, 0x39], [0x41, 0x5a], [0x61, 0x7a]];

/**
 * Splits a pattern by the first character.
 *
 * @param pattern The pattern.
 * @returns Patterns that begin with different characters, in their order; the
 * empty text is in none of them.
 */
export function splitByFirst(pattern: Pattern): Map<number, Pattern> {
  const found = new Map<number, Pattern>();
  const add = (code: number, pattern: Pattern) => {
    const other = found.get(code);
    const both: Pattern | undefined = other &&
      { kind: "choice", parts: [other, pattern] };
    found.set(code, both ?? pattern);
  };
  switch (pattern.kind) {
    case "set": {
      const telling = intersectRanges(pattern.ranges, TELLING);
      const other = intersectRanges(pattern.ranges, PLANE_0).slice(0, 16);
      for (const [low, high] of telling.length > 0 ? telling : other) {
        for (let code = low; code <= Math.min(high, low + 63); code++) {
          add(code, { kind: "set", ranges: [[code, code]] });
        }
      }
      break;
    }
    case "choice":
      for (const part of pattern.parts) {
        for (const [code, one] of splitByFirst(part)) add(code, one);
      }
      break;
    case "sequence": {
      const [first, ...rest] = pattern.parts;
      if (first === undefined) break;
      for (const [code, one] of splitByFirst(first)) {
        add(code, { kind: "sequence", parts: [one, ...rest] });
      }
      break;
    }
    case "repeat": {
      const { part, min, max } = pattern;
      if (max === 0) break;
      const rest: Pattern = {
        kind: "repeat",
        part,
        min: Math.max(0, min - 1),
        max: max - 1,
      };
      for (const [code, one] of splitByFirst(part)) {
        add(code, { kind: "sequence", parts: [one, rest] });
      }
    }
  }
  return new Map([...found].toSorted(([a], [b]) => a - b));
}
