import {
  intersectRanges,
  PLANE_0,
  type Range,
  subtractRanges,
} from "./code_points.ts";
import { character, choice, type Node, sequence, text } from "./syntax.ts";

/** What JSON writes with a backslash. */
const ESCAPED: readonly Range[] = [[0, 0x1f], [0x22, 0x22], [0x5c, 0x5c]];

/** Those of them that have a short form, which is the one that is written. */
const SHORT: readonly Range[] = [
  [0x08, 0x0a],
  [0x0c, 0x0d],
  [0x22, 0x22],
  [0x5c, 0x5c],
];

/**
 * What strings are made of unless more is said: all but control characters that
 * have no short form.
 */
export const STRING_RANGES: readonly Range[] = [
  ...SHORT.filter(([low]) => low < 0x20),
  [0x20, 0xd7ff],
  [0xe000, 0x10ffff],
];

/** The same, of those that JavaScript counts as one character. */
export const SHORT_STRING_RANGES: readonly Range[] = intersectRanges(
  STRING_RANGES,
  PLANE_0,
);

/** A value as JSON writes it, in its shortest form. */
export function jsonText(value: unknown): Node {
  return text(JSON.stringify(value));
}

/** One character of some ranges within a JSON string. */
export function jsonCharacter(ranges: readonly Range[]): Node {
  const escapes: Node[] = [];
  for (const [low, high] of intersectRanges(ranges, ESCAPED)) {
    for (let code = low; code <= high; code++) {
      const quoted = JSON.stringify(String.fromCharCode(code));
      escapes.push(text(quoted.slice(1, -1)));
    }
  }
  const plain = subtractRanges(ranges, ESCAPED);
  const parts = plain.length > 0 ? [character(plain)] : [];
  return choice([...parts, ...escapes]);
}

/** Something between quotation marks. */
export function quoted(content: Node): Node {
  return sequence(text('"'), content, text('"'));
}
