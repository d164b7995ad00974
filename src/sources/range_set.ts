/** A range of bytes: its first one, and the one behind its last. */
export type ByteRange = readonly [start: number, end: number];

/** Bytes of a file, as ranges in order that neither overlap nor touch. */
export class RangeSet {
  #ranges: ByteRange[] = [];

  /**
   * Creates a {@linkcode RangeSet}.
   *
   * @param ranges What is in it, in any order.
   */
  constructor(ranges: Iterable<ByteRange> = []) {
    for (const [start, end] of ranges) this.add(start, end);
  }

  /** The ranges, in order. */
  get ranges(): readonly ByteRange[] {
    return this.#ranges;
  }

  /** How many bytes are in it. */
  get bytes(): number {
    return this.#ranges.reduce((sum, [start, end]) => sum + end - start, 0);
  }

  /** Takes bytes in. */
  add(start: number, end: number): void {
    if (end <= start) return;
    const before = this.#ranges.filter((range) => range[1] < start);
    const after = this.#ranges.filter((range) => range[0] > end);
    const met = this.#ranges.slice(
      before.length,
      this.#ranges.length - after.length,
    );
    const first = Math.min(start, met[0]?.[0] ?? start);
    const last = Math.max(end, met.at(-1)?.[1] ?? end);
    this.#ranges = [...before, [first, last], ...after];
  }

  /** Puts bytes out. */
  remove(start: number, end: number): void {
    if (end <= start) return;
    this.#ranges = this.#ranges.flatMap(([from, to]): ByteRange[] =>
      ([[from, Math.min(to, start)], [Math.max(from, end), to]] as const)
        .filter(([first, last]) => first < last)
    );
  }

  /**
   * Cuts what is not in it into pieces.
   *
   * @param size Bytes of the file.
   * @param most Bytes of a piece.
   * @returns The pieces, in order.
   */
  missing(size: number, most: number): ByteRange[] {
    const pieces: ByteRange[] = [];
    let at = 0;
    for (const [start, end] of [...this.#ranges, [size, size]] as const) {
      for (; at < start; at = Math.min(start, at + most)) {
        pieces.push([at, Math.min(start, at + most)]);
      }
      at = Math.max(at, end);
    }
    return pieces;
  }
}
