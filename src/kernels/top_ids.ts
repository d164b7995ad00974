/** The index of the largest value, the first one among equals. */
export function argmax(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) {
    if (values[i]! > values[best]!) best = i;
  }
  return best;
}

/**
 * The `count` largest logits, best first, the lower id first among equals.
 *
 * @param logits The scores of all tokens.
 * @param count How many; all where there are fewer.
 * @returns Their ids.
 */
export function topIds(logits: Float32Array, count: number): Uint32Array {
  const size = Math.min(count, logits.length);
  if (size * 8 > logits.length) {
    return Uint32Array.from(logits.keys())
      .sort((a, b) => logits[b]! - logits[a]! || a - b)
      .subarray(0, size);
  }
  // A heap of the best so far, the worst of them on top.
  const heap = new Uint32Array(size);
  const worse = (a: number, b: number) =>
    logits[a]! < logits[b]! || (logits[a] === logits[b] && a > b);
  const sink = (slot: number, filled: number) => {
    const id = heap[slot]!;
    for (let child = 2 * slot + 1; child < filled; child = 2 * slot + 1) {
      if (child + 1 < filled && worse(heap[child + 1]!, heap[child]!)) child++;
      if (!worse(heap[child]!, id)) break;
      heap[slot] = heap[child]!;
      slot = child;
    }
    heap[slot] = id;
  };
  for (let i = 0; i < size; i++) heap[i] = i;
  for (let i = size >> 1; i >= 0 && size > 0; i--) sink(i, size);
  for (let id = size; id < logits.length && size > 0; id++) {
    if (!worse(heap[0]!, id)) continue;
    heap[0] = id;
    sink(0, size);
  }
  return heap.sort((a, b) => logits[b]! - logits[a]! || a - b);
}
