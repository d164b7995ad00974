/**
 * The merges that wait to be made, best first: the highest score, and among
 * equal scores the leftmost. A binary heap over typed arrays, since a text of
 * 100 kB puts some 300,000 merges through it.
 */
export class MergeQueue {
  #scores: Float32Array;
  #lefts: Int32Array;
  #size = 0;

  /**
   * Creates a {@linkcode MergeQueue}.
   *
   * @param capacity Number of merges it holds before it must grow.
   */
  constructor(capacity: number) {
    this.#scores = new Float32Array(Math.max(capacity, 16));
    this.#lefts = new Int32Array(this.#scores.length);
  }

  /** Number of merges that wait. */
  get size(): number {
    return this.#size;
  }

  /** Score of the best merge; there must be one. */
  get score(): number {
    return this.#scores[0]!;
  }

  /**
   * Adds a merge.
   *
   * @param score Score of the token that the merge makes.
   * @param left Index of its left symbol.
   */
  push(score: number, left: number): void {
    if (this.#size === this.#lefts.length) this.#grow();
    const scores = this.#scores;
    const lefts = this.#lefts;
    let i = this.#size++;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!isBefore(score, left, scores[parent]!, lefts[parent]!)) break;
      scores[i] = scores[parent]!;
      lefts[i] = lefts[parent]!;
      i = parent;
    }
    scores[i] = score;
    lefts[i] = left;
  }

  /**
   * Removes the best merge; there must be one.
   *
   * @returns Index of its left symbol.
   */
  pop(): number {
    const scores = this.#scores;
    const lefts = this.#lefts;
    const best = lefts[0]!;
    const size = --this.#size;
    const score = scores[size]!;
    const left = lefts[size]!;
    let i = 0;
    for (let child = 1; child < size; child = 2 * i + 1) {
      const other = child + 1;
      if (
        other < size &&
        isBefore(scores[other]!, lefts[other]!, scores[child]!, lefts[child]!)
      ) {
        child = other;
      }
      if (!isBefore(scores[child]!, lefts[child]!, score, left)) break;
      scores[i] = scores[child]!;
      lefts[i] = lefts[child]!;
      i = child;
    }
    scores[i] = score;
    lefts[i] = left;
    return best;
  }

  #grow(): void {
    const scores = new Float32Array(this.#scores.length * 2);
    const lefts = new Int32Array(scores.length);
    scores.set(this.#scores);
    lefts.set(this.#lefts);
    this.#scores = scores;
    this.#lefts = lefts;
  }
}

function isBefore(
  scoreA: number,
  leftA: number,
  scoreB: number,
  leftB: number,
): boolean {
  return scoreA > scoreB || scoreA === scoreB && leftA < leftB;
}
