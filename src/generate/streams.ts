import type { Piece } from "./result.ts";

/** Who reads the pieces of a generation. */
export interface PieceReader {
  /** Gives the pieces. */
  pieces: Pick<AsyncIterator<Piece, void>, "next">;
  /** Ends the generation, whatever it is at. */
  leave(): Promise<void>;
}

/**
 * Makes a stream of a generation. Nothing is generated before it is read, and
 * canceling it ends the generation.
 *
 * @param reader Gives the pieces.
 * @param toChunk What of a piece is passed on; `undefined` is left out.
 * @returns The stream.
 */
export function pieceStream<T>(
  { pieces, leave }: PieceReader,
  toChunk: (piece: Piece) => T | undefined,
): ReadableStream<T> {
  return new ReadableStream<T>({
    async pull(controller) {
      while (true) {
        const next = await pieces.next();
        if (next.done) return controller.close();
        const chunk = toChunk(next.value);
        if (chunk !== undefined) return controller.enqueue(chunk);
      }
    },
    cancel: () => leave(),
  }, { highWaterMark: 0 });
}
