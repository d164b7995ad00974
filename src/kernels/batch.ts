/** A batch: the rows that one forward step works on. */
export interface Batch {
  /** Rows, 1 in decode. */
  rows: number;
  /** Position of the first row in the sequence. */
  position: number;
  /** First row of the input, for kernels that read only some rows. */
  first: number;
}

/** Bytes of a batch in a uniform buffer. */
export const BATCH_BYTES = 16;

/** The words of a batch, as `struct Batch` in the kernels. */
export function batchWords({ rows, position, first }: Batch): number[] {
  return [rows, position, first, 0];
}

/** A bound kernel over a batch, whose rows are given when it is recorded. */
export type BatchKernel = (pass: GPUComputePassEncoder, rows: number) => void;
