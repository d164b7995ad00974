import { Backoff } from "./backoff.ts";
import { TransferError } from "./errors.ts";
import type { Manners } from "./manners.ts";
import type { Meter } from "./meter.ts";
import type { PartFile } from "./part_file.ts";
import type { ByteRange } from "./range_set.ts";
import type { Remote } from "./remote.ts";

/** Less is not worth a connection of its own. */
const LEAST_PIECE_BYTES = 2 ** 20;

/** After so many bytes of unknown length, the room on the disk is looked at. */
const CHECKED_BYTES = 64 * 2 ** 20;

/** What a download goes through. */
export interface FetchOptions {
  /** How the server is treated. */
  manners: Manners;
  /** Counts the bytes. */
  meter: Meter;
  /** Stops it. */
  signal?: AbortSignal | undefined;
}

/**
 * Fetches what a part lacks: by ranges over several connections, or, where the
 * server knows no ranges or says no version, all of it from the beginning.
 *
 * @param remote The file.
 * @param part What is there of it.
 * @param options How.
 * @returns Bytes of the file.
 */
export async function fetchBytes(
  remote: Remote,
  part: PartFile,
  options: FetchOptions,
): Promise<number> {
  const { size, ranges, etag, lastModified, sha256 } = remote.facts;
  // Without any of these, nobody can tell whether two ranges are of one file.
  const isNamed = (etag ?? lastModified ?? sha256) !== undefined;
  if (!ranges || size === undefined || !isNamed) {
    return await fetchWhole(remote, part, options);
  }
  try {
    using _ = saveNowAndThen(part, options.manners.saveMs);
    await fetchRanges(remote, part, options);
  } finally {
    // Also after an error: the next attempt goes on from here.
    await part.save();
  }
  return size;
}

async function fetchRanges(
  remote: Remote,
  part: PartFile,
  { manners, meter, signal }: FetchOptions,
): Promise<void> {
  const { connections, pieceBytes } = manners;
  const left = remote.facts.size! - part.doneBytes;
  const share = Math.max(LEAST_PIECE_BYTES, Math.ceil(left / connections));
  const pieces = part.missing(Math.min(pieceBytes, share)).values();
  const stop = new AbortController();
  const options = {
    manners,
    meter,
    served: new Set<ByteRange>(),
    signal: signal ? AbortSignal.any([signal, stop.signal]) : stop.signal,
  };
  // All take from one iterator; the first error stops the others.
  const errors: unknown[] = [];
  await Promise.all(Array.from({ length: connections }, async () => {
    try {
      for (const piece of pieces) {
        await fetchPiece(remote, part, { ...options, piece });
      }
    } catch (error) {
      errors.push(error);
      stop.abort();
    }
  }));
  signal?.throwIfAborted();
  if (errors.length > 0) throw errors[0];
}

async function fetchPiece(
  remote: Remote,
  part: PartFile,
  { manners, meter, signal, served, piece: [start, end] }: FetchOptions & {
    piece: ByteRange;
    /** Pieces that bytes are coming for. */
    served: Set<ByteRange>;
  },
): Promise<void> {
  const { label } = remote.target;
  const backoff = new Backoff({ ...manners, label, signal });
  for (let at = start; at < end;) {
    const rest: ByteRange = [at, end];
    try {
      await using writer = await part.writer(at, (bytes) => {
        at += bytes;
        meter.add(bytes);
        backoff.reset();
      });
      for await (const chunk of remote.readRange(at, end, signal)) {
        served.add(rest);
        await writer.write(chunk);
      }
    } catch (error) {
      served.delete(rest);
      // A server may grant fewer connections: those that it grants go on.
      if (served.size > 0) backoff.forgive();
      await backoff.wait(error);
    } finally {
      served.delete(rest);
    }
  }
}

async function fetchWhole(
  remote: Remote,
  part: PartFile,
  { manners, meter, signal }: FetchOptions,
): Promise<number> {
  const { label } = remote.target;
  const backoff = new Backoff({ ...manners, label, signal });
  while (true) {
    let size = 0;
    try {
      await part.clear();
      meter.begin("downloading", 0);
      await using writer = await part.writer(0, (bytes) => {
        size += bytes;
        meter.add(bytes);
      });
      let unchecked = 0;
      for await (const chunk of remote.readWhole(signal)) {
        await writer.write(chunk);
        unchecked += chunk.length;
        if (unchecked < CHECKED_BYTES) continue;
        // Of a file without a size nobody knows whether it ever ends.
        unchecked = 0;
        await part.checkRoom(label);
      }
      await writer.flush();
      return size;
    } catch (error) {
      const isPartial = error instanceof TransferError && size > 0;
      await backoff.wait(
        isPartial
          ? new TransferError(
            `${error.message} after ${size} bytes, and the server sends no parts`,
            { cause: error, waitMs: error.waitMs },
          )
          : error,
      );
    }
  }
}

/** Saves the map of a part every so often, until it is disposed of. */
function saveNowAndThen(part: PartFile, ms: number): Disposable {
  let isOver = false;
  let timer: ReturnType<typeof setTimeout>;
  const schedule = () => {
    timer = setTimeout(async () => {
      // A full disk is found by whoever writes the bytes.
      await part.save().catch(() => {});
      if (!isOver) schedule();
    }, ms);
  };
  schedule();
  return {
    [Symbol.dispose]() {
      isOver = true;
      clearTimeout(timer);
    },
  };
}
