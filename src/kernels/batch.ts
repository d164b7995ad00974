import type { BufferPool } from "../gpu/buffers.ts";

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
   * Position that several continuations of one prompt begin at, where the rows
   * are of such; see `branches.wgsl`. Defaults to 0: they are not.
   */
  fork?: number;
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
  { rows, position, first, fork = 0 }: Batch,
): number[] {
  return [rows, position, first, fork];
}

/**
 * The words of the rows of a batch that forks, as `branches.wgsl` reads them.
 *
 * @param gaps How much further on than its position each row stands in the cache,
 * from 0 on and ascending: rows of a branch share it.
 * @returns `[rows]` vec2u.
 */
export function branchWords(
  gaps: readonly number[],
): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(2 * gaps.length);
  let end = gaps.length;
  for (let row = gaps.length - 1; row >= 0; row--) {
    if (gaps[row] !== gaps[row + 1]) end = row + 1;
    words.set([gaps[row]!, end], 2 * row);
  }
  return words;
}

/** Stands for the branches of a batch that never forks. */
export function createNoBranches(pool: BufferPool): GPUBuffer {
  return pool.create({ label: "no branches", size: 8 });
}

/** A bound kernel over a batch, whose rows are given when it is recorded. */
export type BatchKernel = (pass: GPUComputePassEncoder, rows: number) => void;

/** A bound kernel over a batch whose rows are added up by their kind. */
export type RowsKernel = (
  pass: GPUComputePassEncoder,
  rows: number,
  kind: RowKind,
) => void;
