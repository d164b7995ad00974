/** What a set of measurements comes to. */
export interface Distribution {
  /** The middle one. */
  median: number;
  /** A quarter of them are at most this. */
  lowerQuartile: number;
  /** A quarter of them are at least this. */
  upperQuartile: number;
}

/**
 * The value that a part of the others lies below, between two neighbours in
 * proportion.
 *
 * @param sorted Values, the smallest first, at least one.
 * @param part Which part, from 0 (the smallest) to 1 (the largest).
 * @returns The quantile.
 */
export function quantile(sorted: readonly number[], part: number): number {
  const place = part * (sorted.length - 1);
  const below = Math.floor(place);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (place - below) * (high - low);
}

/**
 * Summarizes measurements by values that a few interrupted ones do not move.
 *
 * @param values The measurements, at least one, in any order.
 * @returns Median and quartiles.
 */
export function summarize(values: readonly number[]): Distribution {
  const sorted = values.toSorted((a, b) => a - b);
  return {
    median: quantile(sorted, 0.5),
    lowerQuartile: quantile(sorted, 0.25),
    upperQuartile: quantile(sorted, 0.75),
  };
}
