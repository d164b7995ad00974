/** Packs rows of one length; it owns the memory that it works in. */
export interface RowQuantizer {
  /**
   * Packs one row.
   *
   * @param x Weights, 32-bit floats.
   * @param at Where the row begins in them.
   * @param out What the row's blocks are written to.
   * @param outAt Where they go.
   */
  row(x: Float32Array, at: number, out: Uint8Array, outAt: number): void;
}

/**
 * Makes what packs rows of a format.
 *
 * @param columns Weights of a row, whole blocks of them.
 * @param importance How much each column matters, `[columns]`, if that is known.
 * @returns The quantizer.
 */
export type CreateQuantizer = (
  columns: number,
  importance: Float32Array | undefined,
) => RowQuantizer;

/** Writes 16 bits, the lower byte first. */
export function put16(out: Uint8Array, at: number, bits: number): void {
  out[at] = bits;
  out[at + 1] = bits >>> 8;
}

const { fround, sqrt } = Math;

/** The sum of squares of some weights, every step of it rounded to 32 bits. */
export function sumOfSquares(
  x: Float32Array,
  at: number,
  count: number,
): number {
  let sum = 0;
  for (let i = at; i < at + count; i++) {
    sum = fround(sum + fround(x[i]! * x[i]!));
  }
  return sum;
}

/** What {@linkcode weigh} makes a group's importance of. */
export interface Weighing {
  /** Importance of the row's columns. */
  readonly importance: Float32Array;
  /** The group's, a result; its length is the group's. */
  readonly group: Float64Array;
}

/**
 * Sets how much each weight of a group matters: its column's importance, times
 * a size between the weight's own and that of those around it.
 *
 * @param weighing What to set.
 * @param column The group's first column.
 * @param x Weights.
 * @param at Where the group begins in them.
 * @param variance Mean square of the weights around it.
 */
export function weigh(
  { importance, group }: Weighing,
  column: number,
  x: Float32Array,
  at: number,
  variance: number,
): void {
  for (let i = 0; i < group.length; i++) {
    const square = fround(x[at + i]! * x[at + i]!);
    const size = fround(sqrt(fround(variance + square)));
    group[i] = fround(importance[column + i]! * size);
  }
}
