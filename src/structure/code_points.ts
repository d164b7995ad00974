/** From one number to another, both included. */
export type Range = readonly [low: number, high: number];

/** All characters that UTF-8 can write. */
export const ALL: readonly Range[] = [[0, 0xd7ff], [0xe000, 0x10ffff]];

/** Those of 16 bits: JavaScript counts each of them once. */
export const PLANE_0: readonly Range[] = [[0, 0xd7ff], [0xe000, 0xffff]];

/** Ranges in ascending order, none touching another. */
export function normalizeRanges(ranges: readonly Range[]): Range[] {
  const sorted = ranges.filter(([low, high]) => low <= high)
    .toSorted(([a], [b]) => a - b);
  const result: Range[] = [];
  for (const [low, high] of sorted) {
    const last = result.at(-1);
    if (last !== undefined && low <= last[1] + 1) {
      result[result.length - 1] = [last[0], Math.max(last[1], high)];
    } else {
      result.push([low, high]);
    }
  }
  return result;
}

/** What is in both. */
export function intersectRanges(
  a: readonly Range[],
  b: readonly Range[],
): Range[] {
  return normalizeRanges(
    a.flatMap(([low, high]) =>
      b.map(([otherLow, otherHigh]): Range => [
        Math.max(low, otherLow),
        Math.min(high, otherHigh),
      ])
    ),
  );
}

/** What is in the first, but not in the second. */
export function subtractRanges(
  from: readonly Range[],
  what: readonly Range[],
): Range[] {
  const gaps: Range[] = [];
  let next = 0;
  for (const [low, high] of normalizeRanges(what)) {
    gaps.push([next, low - 1]);
    next = high + 1;
  }
  gaps.push([next, 0x10ffff]);
  return intersectRanges(from, gaps);
}
