/**
 * Checks token ids before anything is done with them.
 *
 * @param action What they are wanted for, as errors call it: `"score"`.
 * @param ids The ids.
 * @param size Number of tokens there are.
 * @throws {RangeError} If an id is no integer from 0 to `size - 1`.
 */
export function checkIds(
  action: string,
  ids: readonly number[],
  size: number,
): void {
  for (const [i, id] of ids.entries()) {
    if (Number.isInteger(id) && id >= 0 && id < size) continue;
    throw new RangeError(
      `Cannot ${action}: token ${i} is ${id}, an id from 0 to ${
        size - 1
      } is wanted`,
    );
  }
}
