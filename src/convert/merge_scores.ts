import type { TokenizerJson } from "./tokenizer_json.ts";

/** What SentencePiece gives runs of spaces, which it never learns. */
const SPACES_SCORE = -1e9;

/**
 * Calculates the scores that a SentencePiece vocabulary had before it became a
 * `tokenizer.json`, which has an order of merges in their place: the better the
 * merge that makes a token, the higher is its score.
 *
 * Where the ids run in the order of the merges but for runs of spaces at the
 * end, as in Llama's vocabulary, a score is the id's distance from the first
 * such token: those are the very scores of the `tokenizer.model`.
 *
 * @param tokenizer The tokenizer.
 * @returns Scores by id; those of other tokens are 0.
 */
export function scoresOfMerges(
  { vocabulary, merges }: TokenizerJson,
): Map<number, number> {
  const ranked = new Map<number, string>();
  for (const [left, right] of merges) {
    const text = left + right;
    const id = vocabulary.get(text);
    if (id !== undefined && !ranked.has(id)) ranked.set(id, text);
  }
  return isByDistance(ranked)
    ? scoresByDistance(vocabulary, ranked)
    : new Map(Array.from(ranked.keys(), (id, rank) => [id, 0 - rank]));
}

function smallest(ids: Iterable<number>): number {
  let least = Infinity;
  for (const id of ids) least = Math.min(least, id);
  return least;
}

function isSpaces(text: string): boolean {
  return /^\u2581+$/.test(text);
}

/** Whether ids ascend, with runs of spaces after all others. */
function isByDistance(ranked: ReadonlyMap<number, string>): boolean {
  let last = -1;
  let inSpaces = false;
  for (const [id, text] of ranked) {
    if (isSpaces(text)) {
      inSpaces = true;
      continue;
    }
    if (inSpaces || id < last) return false;
    last = id;
  }
  return ranked.size > 0;
}

function scoresByDistance(
  vocabulary: ReadonlyMap<string, number>,
  ranked: ReadonlyMap<number, string>,
): Map<number, number> {
  const first = smallest(ranked.keys());
  const hasRuns = ranked.values().some(isSpaces);
  const scores = new Map<number, number>();
  for (const [text, id] of vocabulary) {
    if (hasRuns && isSpaces(text)) scores.set(id, SPACES_SCORE);
    else if (id > first) scores.set(id, first - id);
  }
  return scores;
}
