import { philox2x32 } from "../kernels/philox.ts";
import type { Pattern } from "./pattern.ts";

/** Times that something without an end is repeated. */
const REPEATED = 12;

/**
 * Draws texts of a pattern, the same ones each time: the shortest one, the
 * longest one, and others.
 *
 * @param pattern The pattern.
 * @param count How many.
 * @returns The texts.
 */
export function samplePattern(pattern: Pattern, count: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    let drawn = 0;
    const draw = (most: number) => {
      if (i === 0) return 0;
      if (i === 1) return most;
      const [word] = philox2x32(i, [drawn++, 0]);
      return word % (most + 1);
    };
    return sampleOne(pattern, draw);
  });
}

/** Draws one text; `draw` gives a whole number up to a limit. */
function sampleOne(pattern: Pattern, draw: (most: number) => number): string {
  switch (pattern.kind) {
    case "set": {
      const { ranges } = pattern;
      if (ranges.length === 0) return "";
      const [low, high] = ranges[draw(ranges.length - 1)]!;
      return String.fromCodePoint(low + draw(high - low));
    }
    case "sequence":
      return pattern.parts.map((part) => sampleOne(part, draw)).join("");
    case "choice": {
      const { parts } = pattern;
      return sampleOne(parts[draw(parts.length - 1)]!, draw);
    }
    case "repeat": {
      const { part, min, max } = pattern;
      const most = Math.min(max, min + REPEATED);
      const count = min + draw(most - min);
      return Array.from({ length: count }, () => sampleOne(part, draw)).join(
        "",
      );
    }
  }
}
