/** What {@linkcode fitLargest} has found. */
export interface Fitted<T> {
  /** The largest size that fits. */
  size: number;
  /** What the attempt at that size gave. */
  value: T;
}

/**
 * Finds the largest size that fits, where a size that does not fit means that
 * no larger one does. The whole is tried first, then sizes that double from 1,
 * then those in between: the work grows with what fits, not with the whole.
 *
 * @param whole The largest size there is, at least 1.
 * @param attempt Tries a size: a value where it fits, else `undefined`.
 * @returns The largest size that fits, or `undefined` where 1 does not.
 */
export function fitLargest<T>(
  whole: number,
  attempt: (size: number) => T | undefined,
): Fitted<T> | undefined {
  let best: Fitted<T> | undefined;
  let tooLarge = whole + 1;
  const attemptSize = (size: number) => {
    const value = attempt(size);
    if (value === undefined) tooLarge = size;
    else best = { size, value };
  };

  attemptSize(whole);
  for (let size = 1; size < tooLarge && best?.size !== whole; size *= 2) {
    attemptSize(size);
  }
  while (best !== undefined && tooLarge - best.size > 1) {
    attemptSize((best.size + tooLarge) >> 1);
  }
  return best;
}
