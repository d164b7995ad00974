import type { Range } from "./code_points.ts";

/** The last code point of each length in UTF-8. */
const LENGTH_ENDS = [0x7f, 0x7ff, 0xffff, 0x10ffff];

/**
 * Writes a range of code points as ranges of bytes.
 *
 * @param low The first code point.
 * @param high The last one; surrogates in between are left out.
 * @returns Sequences of byte ranges: each stands for all of their products.
 */
export function utf8Ranges(low: number, high: number): Range[][] {
  if (low > high) return [];
  if (low < 0xe000 && high > 0xd7ff) {
    return [
      ...utf8Ranges(low, Math.min(high, 0xd7ff)),
      ...utf8Ranges(Math.max(low, 0xe000), high),
    ];
  }
  const end = LENGTH_ENDS.find((end) => low <= end && end < high);
  if (end !== undefined) {
    return [...utf8Ranges(low, end), ...utf8Ranges(end + 1, high)];
  }
  return split(encode(low), encode(high));
}

/** Splits a range of encodings of one length where the later bytes are not free. */
function split(low: readonly number[], high: readonly number[]): Range[][] {
  const [first, ...lows] = low;
  const [last, ...highs] = high;
  if (lows.length === 0) return [[[first!, last!]]];
  if (first === last) {
    return split(lows, highs).map((rest) => [[first!, last!], ...rest]);
  }
  const free = lows.map((): Range => [0x80, 0xbf]);
  const starts = lows.every((byte) => byte === 0x80) ? first! : first! + 1;
  const ends = highs.every((byte) => byte === 0xbf) ? last! : last! - 1;
  const most = lows.map(() => 0xbf);
  const least = lows.map(() => 0x80);
  return [
    ...starts === first ? [] : split([first!, ...lows], [first!, ...most]),
    ...starts > ends ? [] : [[[starts, ends] as Range, ...free]],
    ...ends === last ? [] : split([last!, ...least], [last!, ...highs]),
  ];
}

function encode(codePoint: number): number[] {
  return [...new TextEncoder().encode(String.fromCodePoint(codePoint))];
}
