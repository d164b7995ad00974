/**
 * A batch: the rows that one forward step works on, or those of them that follow
 * each other in one sequence.
 */
export interface Batch {
  /** Rows, 1 in decode. */
  rows: number;
  /** Position of the first row in the sequence. */
  position: number;
  /** The first row, for kernels that work on some rows only. */
  first: number;
  /**
   * How much further on the rows stand in the cache than their positions say,
   * where several continuations of one prompt stand behind it. Defaults to 0.
   */
  gap?: number;
}

/**
 * How the rows of a batch are added up. What comes of a row depends on its kind
 * alone, to the bit, and not on the rows that run beside it:
 *
 * - `"prompt"`: rows that are there from the start, as many as fit at a time;
 * - `"step"`: a row that follows from the one before it, alone, or up to
 *   {@linkcode MAX_STEPS} guessed ones that are checked together.
 */
export type RowKind = "prompt" | "step";

/** Most rows of the kind `"step"` in a batch. */
export const MAX_STEPS = 8;

/** Bytes of a batch in a uniform buffer. */
export const BATCH_BYTES = 16;

/** The words of a batch, as `struct Batch` in the kernels. */
export function batchWords(
  { rows, position, first, gap = 0 }: Batch,
): number[] {
  return [rows, position, first, gap];
}

/** A bound kernel over a batch, whose rows are given when it is recorded. */
export type BatchKernel = (pass: GPUComputePassEncoder, rows: number) => void;

/** A bound kernel over a batch whose rows are added up by their kind. */
export type RowsKernel = (
  pass: GPUComputePassEncoder,
  rows: number,
  kind: RowKind,
) => void;
