import type { Candidates } from "./candidates.ts";

/** Options for {@linkcode applyDry}. */
export interface DryOptions {
  /** Factor of the penalty; 0 is none. */
  multiplier: number;
  /** Base of the power that it grows by; below 1 there is none. */
  base: number;
  /** Tokens that may be repeated for free. */
  allowedLength: number;
  /** Sequences of ids that no repetition reaches across. */
  breakers: Breakers;
}

/** What may follow the first id of each breaker; nothing, where it is alone. */
export type Breakers = ReadonlyMap<number, readonly (readonly number[])[]>;

// Beyond these, f32 would overflow, or a lone token be ruled out.
const MAX_LOG = 88.7228391;
const MAX_PENALTY = 1e30;

/**
 * Penalizes tokens that would go on repeating what stands in the text before
 * ("don't repeat yourself", p-e-w 2024, in its form by pi6am):
 *
 *     logit' = logit - multiplier * base ^ (length - allowedLength)
 *
 * of the longest suffix of the text that stands in it before, followed by the
 * token, where that is at least `allowedLength`.
 *
 * @param candidates The tokens, changed in place.
 * @param text The last tokens of the text, as many as are to be looked at.
 * @param options The penalty.
 */
export function applyDry(
  candidates: Candidates,
  text: readonly number[],
  { multiplier, base, allowedLength, breakers }: DryOptions,
): void {
  const lengths = repeatedLengths(text, { allowedLength, breakers });
  if (lengths.size === 0) return;
  const most = base > 1.000001
    ? Math.floor(MAX_LOG / Math.log(base))
    : Infinity;
  const { ids, logits, size } = candidates;
  for (let i = 0; i < size; i++) {
    const length = lengths.get(ids[i]!);
    if (length === undefined || endsRepetition(ids[i]!, breakers)) continue;
    const penalty = multiplier * base ** Math.min(length - allowedLength, most);
    logits[i]! -= Math.min(penalty, MAX_PENALTY);
  }
  candidates.isSorted = false;
}

/** Whether a token is a breaker by itself. */
function endsRepetition(id: number, breakers: Breakers): boolean {
  return breakers.get(id)?.some((rest) => rest.length === 0) ?? false;
}

/**
 * How long a repetition each token would make longer.
 *
 * @param text The last tokens of the text.
 * @param options The least length, and what ends repetitions.
 * @returns The length of the longest one by token, without that token.
 */
export function repeatedLengths(
  text: readonly number[],
  { allowedLength, breakers }: Pick<DryOptions, "allowedLength" | "breakers">,
): Map<number, number> {
  const lengths = new Map<number, number>();
  if (text.length <= allowedLength) return lengths;
  const backwards = text.toReversed();
  const most = lengthBehindBreaker(backwards, breakers);
  if (most < allowedLength) return lengths;
  const shared = sharedLengths(backwards);
  for (let i = 1; i < backwards.length; i++) {
    const length = Math.min(shared[i]!, most);
    if (length < allowedLength) continue;
    const next = backwards[i - 1]!;
    lengths.set(next, Math.max(length, lengths.get(next) ?? 0));
  }
  return lengths;
}

/** How many tokens stand behind the last breaker, all where there is none. */
function lengthBehindBreaker(
  backwards: readonly number[],
  breakers: Breakers,
): number {
  for (const [i, id] of backwards.entries()) {
    const rests = breakers.get(id) ?? [];
    const found = rests.filter((rest) =>
      rest.every((id, j) => backwards[i - 1 - j] === id)
    );
    if (found.length > 0) {
      return i - Math.max(...found.map(({ length }) => length));
    }
  }
  return backwards.length;
}

/**
 * How many ids from each place on are those from the start on: the Z-algorithm
 * (Gusfield 1997), which looks at each id a fixed number of times.
 */
function sharedLengths(ids: readonly number[]): Int32Array {
  const lengths = new Int32Array(ids.length);
  // The stretch that is known to equal the start, and reaches furthest.
  let start = 0;
  let end = 0;
  for (let i = 1; i < ids.length; i++) {
    let length = i < end ? Math.min(end - i, lengths[i - start]!) : 0;
    while (i + length < ids.length && ids[length] === ids[i + length]) length++;
    lengths[i] = length;
    if (i + length > end) [start, end] = [i, i + length];
  }
  return lengths;
}
