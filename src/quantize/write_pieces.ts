import type { GgufWriter } from "../gguf/writer.ts";

/** A piece of a tensor that is worked on. */
export interface Piece {
  /** The tensor. */
  readonly name: string;
  /** Bytes of it in the source. */
  readonly read: number;
  /** What is to be written. */
  readonly bytes: Promise<Uint8Array>;
  /** What part it is of all that may be in work at a time. */
  readonly share: number;
}

/** How far weights are. */
export interface WeightsProgress {
  /** The tensor that was written last. */
  readonly tensor: string;
  /** Bytes of tensors that were read and are written. */
  readonly doneBytes: number;
  /** Bytes of all tensors of the source. */
  readonly totalBytes: number;
}

/** Options for {@linkcode writePieces}. */
export interface WritePiecesOptions {
  /** The file that they go to, where it is their turn. */
  writer: GgufWriter;
  /** Bytes of all of them in the source. */
  totalBytes: number;
  /** Called whenever a piece is written. */
  onProgress?: ((progress: WeightsProgress) => void) | undefined;
}

/**
 * Writes pieces in their order, with no more of them in work than their shares
 * allow.
 *
 * @param pieces The pieces: the next is asked for where there is room.
 * @param options Where they go, and progress.
 */
export async function writePieces(
  pieces: AsyncIterable<Piece>,
  { writer, totalBytes, onProgress }: WritePiecesOptions,
): Promise<void> {
  const inWork: Piece[] = [];
  let doneBytes = 0;
  const writeFirst = async () => {
    const { name, read, bytes } = inWork.shift()!;
    await writer.write(name, await bytes);
    doneBytes += read;
    onProgress?.({ tensor: name, doneBytes, totalBytes });
  };
  for await (const piece of pieces) {
    // It may fail while others are waited for.
    piece.bytes.catch(() => {});
    inWork.push(piece);
    while (sumOfShares(inWork) > 1) await writeFirst();
  }
  while (inWork.length > 0) await writeFirst();
}

function sumOfShares(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { share }) => sum + share, 0);
}
