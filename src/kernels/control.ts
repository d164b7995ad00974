import { BATCH_BYTES, batchWords } from "./batch.ts";

/** What one chunk of steps computes, until the GPU goes on by itself. */
export interface Step {
  /** Token ids, one a row. */
  ids: readonly number[];
  /** Position of the first of them. */
  position: number;
  /** Row of the first logits. */
  headFirst: number;
  /** Rows of logits: with more than one, `ids` behind the first are guesses. */
  headRows: number;
  /** Tokens that were chosen since the generation began. Defaults to 0. */
  chosen?: number;
}

// Bindings start at multiples of 256, the largest alignment a device may ask.
const HEAD_OFFSET = 256;
const TOKENS_OFFSET = 512;
/** The word behind the batch: see `choice.wgsl` for what follows. */
const SAMPLER_WORD = BATCH_BYTES / 4;

/** Bytes of the control words of a batch of `rows`. */
export function controlBytes(rows: number): number {
  return TOKENS_OFFSET + 4 * rows;
}

/** The ranges of the control words that kernels bind. */
export function controlRanges(control: GPUBuffer) {
  return {
    /** The batch of the layers. */
    batch: { buffer: control, size: BATCH_BYTES },
    /** The batch of the head: the rows whose logits are wanted. */
    head: { buffer: control, offset: HEAD_OFFSET, size: BATCH_BYTES },
    /** Token ids, `[batch]`. */
    tokens: { buffer: control, offset: TOKENS_OFFSET },
  };
}

/** The control words of a step. */
export function controlWords(
  { ids, position, headFirst, headRows, chosen = 0 }: Step,
): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(controlBytes(ids.length) / 4);
  words.set(batchWords({ rows: ids.length, position, first: 0 }));
  words.set([0, chosen, 0, 1], SAMPLER_WORD);
  words.set(
    batchWords({ rows: headRows, position, first: headFirst }),
    HEAD_OFFSET / 4,
  );
  words.set(ids, TOKENS_OFFSET / 4);
  return words;
}
