import { type Batch, BATCH_BYTES, batchWords } from "./batch.ts";

/** What one chunk of steps computes, until the GPU goes on by itself. */
export interface Step {
  /** Token ids, one a row. */
  ids: readonly number[];
  /** Position of the first of them. */
  position: number;
  /** As in a batch. Defaults to 0. */
  fork?: number;
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

/** Parts that a batch can have, each of a sequence of its own or a branch. */
export const MAX_LANES = 64;
/** Bytes of the words of a part. */
const LANE_BYTES = 256;

/** Bytes of the control words of a batch of `rows`. */
export function controlBytes(rows: number): number {
  return TOKENS_OFFSET + 4 * rows;
}

/** Bytes of a buffer of control words, with those of {@linkcode MAX_LANES}. */
export function controlBufferBytes(rows: number): number {
  const lanes = Math.ceil(controlBytes(rows) / LANE_BYTES) * LANE_BYTES;
  return lanes + MAX_LANES * LANE_BYTES;
}

/** Where the words of a part begin, in bytes. */
export function laneOffset(control: GPUBuffer, lane: number): number {
  return control.size - (MAX_LANES - lane) * LANE_BYTES;
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
    /** A part of the batch, from 0 to `MAX_LANES - 1`. */
    lane: (lane: number) => ({
      buffer: control,
      offset: laneOffset(control, lane),
      size: BATCH_BYTES,
    }),
  };
}

/** The control words of a step. */
export function controlWords(
  { ids, position, fork = 0, headFirst, headRows, chosen = 0 }: Step,
): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(controlBytes(ids.length) / 4);
  words.set(batchWords({ rows: ids.length, position, first: 0, fork }));
  words.set([0, chosen, 0, 1], SAMPLER_WORD);
  words.set(
    batchWords({ rows: headRows, position, first: headFirst }),
    HEAD_OFFSET / 4,
  );
  words.set(ids, TOKENS_OFFSET / 4);
  return words;
}

/** A part of a batch; its rows follow each other in one sequence. */
export interface LaneStep extends Batch {
  /** Tokens that were chosen since the generation began. Defaults to 0. */
  chosen?: number;
  /** Where the ids that it chooses are written. Defaults to 0. */
  chosenAt?: number;
}

/**
 * The words of all parts of a batch, from the first one on: for each those at
 * the start of {@linkcode controlWords}, its logits in the row `first`.
 */
export function laneWords(
  lanes: readonly LaneStep[],
): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(lanes.length * LANE_BYTES / 4);
  for (const [i, { chosen = 0, chosenAt = 0, ...batch }] of lanes.entries()) {
    const at = i * LANE_BYTES / 4;
    words.set(batchWords(batch), at);
    words.set([batch.first, chosen, chosenAt, 1], at + SAMPLER_WORD);
  }
  return words;
}
