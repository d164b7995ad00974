/** Options for {@linkcode shiftIds}. */
export interface ShiftOptions {
  /** Tokens that fit. */
  contextLength: number;
  /** Tokens at the start that stay. */
  sinks: number;
}

/**
 * Makes room in a text that fills its context: forgets the oldest tokens behind
 * the first ones, half of what can go. The first ones stay since much of a
 * model's attention rests on them ("attention sinks", Xiao et al. 2023).
 *
 * @param ids The text, which may be longer than the context.
 * @param options What fits and what stays.
 * @returns The tokens that are left.
 */
export function shiftIds(
  ids: readonly number[],
  { contextLength, sinks }: ShiftOptions,
): number[] {
  const rest = Math.floor((contextLength - sinks) / 2);
  return [
    ...ids.slice(0, sinks),
    ...ids.slice(Math.max(sinks, ids.length - rest)),
  ];
}
