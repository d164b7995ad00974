import { ALL, intersectRanges, type Range } from "./code_points.ts";
import { jsonCharacter } from "./json_text.ts";
import type { Pattern } from "./pattern.ts";
import { choice, EMPTY, type Node, repeat, sequence } from "./syntax.ts";

/** Fewest and most characters of something. */
export interface Lengths {
  /** Fewest. */
  min: number;
  /** Most; infinity is no limit. */
  max: number;
}

/** How long the texts of a pattern are, in characters. */
export function lengthsOf(pattern: Pattern): Lengths {
  switch (pattern.kind) {
    case "set":
      return { min: 1, max: 1 };
    case "sequence":
      return pattern.parts.map(lengthsOf).reduce(
        (sum, { min, max }) => ({ min: sum.min + min, max: sum.max + max }),
        { min: 0, max: 0 },
      );
    case "choice": {
      const all = pattern.parts.map(lengthsOf);
      return {
        min: Math.min(...all.map(({ min }) => min)),
        max: Math.max(...all.map(({ max }) => max)),
      };
    }
    case "repeat": {
      const { min, max } = lengthsOf(pattern.part);
      return { min: pattern.min * min, max: max === 0 ? 0 : pattern.max * max };
    }
  }
}

/**
 * Makes a pattern keep to lengths: what is left are some of its texts of those
 * lengths, as a rule not all.
 *
 * @param pattern The pattern.
 * @param wanted The lengths.
 * @returns The pattern that keeps to them, `undefined` where none is found.
 */
export function fitPattern(
  pattern: Pattern,
  wanted: Lengths,
): Pattern | undefined {
  const { min, max } = lengthsOf(pattern);
  if (min >= wanted.min && max <= wanted.max) return pattern;
  if (min > wanted.max || max < wanted.min) return undefined;
  switch (pattern.kind) {
    case "set":
      return undefined;
    case "choice": {
      const parts = pattern.parts.flatMap((part) =>
        fitPattern(part, wanted) ?? []
      );
      return parts.length === 0 ? undefined : { kind: "choice", parts };
    }
    case "sequence":
      return fitSequence(pattern.parts, wanted);
    case "repeat":
      return fitRepeat(pattern, wanted);
  }
}

/** Gives each part what the others leave it, the first ones first. */
function fitSequence(
  parts: readonly Pattern[],
  wanted: Lengths,
): Pattern | undefined {
  const fitted: Pattern[] = [];
  let { min: least, max: most } = wanted;
  for (const [i, part] of parts.entries()) {
    const own = lengthsOf(part);
    const rest = lengthsOf({ kind: "sequence", parts: parts.slice(i + 1) });
    const limits = {
      min: Math.max(own.min, least - rest.max),
      max: Math.min(own.max, most - rest.min),
    };
    // So that those behind it have their share.
    const open = parts.slice(i).filter((other) => {
      const { min, max } = lengthsOf(other);
      return max > min;
    }).length;
    const spare = most - rest.min - own.min;
    const share = Math.max(limits.min, own.min + Math.ceil(spare / open));
    const result = fitPattern(part, {
      min: limits.min,
      max: own.max > own.min ? Math.min(limits.max, share) : limits.max,
    });
    if (result === undefined) return undefined;
    fitted.push(result);
    const taken = lengthsOf(result);
    least -= taken.min;
    most -= taken.max;
  }
  return { kind: "sequence", parts: fitted };
}

function fitRepeat(
  { part, min, max }: Pattern & { kind: "repeat" },
  wanted: Lengths,
): Pattern | undefined {
  const own = lengthsOf(part);
  // What may be empty makes a text no longer, however often it is there.
  const least = own.min === 0
    ? fitPattern(part, { min: 1, max: own.max })
    : part;
  if (least === undefined) return undefined;
  const unit = lengthsOf(least);
  const fewest = Math.max(min, Math.ceil(wanted.min / unit.min));
  const most = Math.min(max, Math.floor(wanted.max / unit.max));
  if (fewest <= most && (most > 0 || wanted.max === 0)) {
    return { kind: "repeat", part: least, min: fewest, max: most };
  }
  // Parts of all lengths: as many as fit if each is short, or fewer and longer.
  for (let count = Math.max(1, min); count <= Math.min(max, 64); count++) {
    const parts = new Array<Pattern>(count).fill(least);
    const { min: shortest, max: longest } = lengthsOf({
      kind: "sequence",
      parts,
    });
    if (shortest > wanted.max) break;
    if (longest < wanted.min) continue;
    const fitted = fitSequence(parts, wanted);
    if (fitted !== undefined) return fitted;
  }
  return undefined;
}

/**
 * The texts of a pattern.
 *
 * @param pattern The pattern.
 * @param toNode How one character of some ranges is written. Defaults to how it
 * stands within a JSON string.
 * @returns The texts.
 */
export function patternNode(
  pattern: Pattern,
  toNode: (ranges: readonly Range[]) => Node = jsonCharacter,
): Node {
  const nodeOf = (part: Pattern) => patternNode(part, toNode);
  switch (pattern.kind) {
    case "set":
      return toNode(intersectRanges(pattern.ranges, ALL));
    case "sequence":
      return sequence(...pattern.parts.map(nodeOf));
    case "choice":
      return choice(pattern.parts.map(nodeOf));
    case "repeat": {
      const part = nodeOf(pattern.part);
      return part === EMPTY ? EMPTY : repeat(part, pattern.min, pattern.max);
    }
  }
}
