import type { ByteSource } from "./source.ts";

/** Bytes of a source that are read at once. */
export interface ByteRange {
  /** Where they start, in bytes from the start of the source. */
  readonly offset: number;
  /** How many. */
  readonly bytes: number;
}

/** What {@linkcode readAhead} has read. */
export interface ReadRange<Range extends ByteRange> {
  /** What was asked for. */
  range: Range;
  /** The bytes, valid until the next ones are asked for. */
  bytes: Uint8Array<ArrayBuffer>;
}

/**
 * Reads ranges in order, the next one while the caller works on the last: into
 * two buffers, however many ranges there are. There is never more than one read
 * at a time, so that they come to the source in order.
 *
 * @param source The source.
 * @param ranges What to read.
 * @param bufferBytes Bytes of the longest range.
 * @returns The ranges with their bytes.
 * @throws {RangeError} If a range is longer, or the source ends before.
 */
export async function* readAhead<Range extends ByteRange>(
  source: ByteSource,
  ranges: Iterable<Range>,
  bufferBytes: number,
): AsyncGenerator<ReadRange<Range>> {
  const iterator = ranges[Symbol.iterator]();
  // Each is made when it is first needed.
  let [free, used]: (Uint8Array<ArrayBuffer> | undefined)[] = [];
  const start = () => {
    const { value: range, done } = iterator.next();
    if (done) return undefined;
    if (range.bytes > bufferBytes) {
      throw new RangeError(
        `Cannot read "${source.label}": a range has ${range.bytes} bytes, at most ${bufferBytes} are wanted`,
      );
    }
    [free, used] = [used, free ?? new Uint8Array(bufferBytes)];
    const bytes = used!.subarray(0, range.bytes);
    const read = source.readInto(bytes, range.offset);
    read.catch(() => {}); // told when its turn comes
    return { range, bytes, read };
  };
  let next = start();
  try {
    while (next !== undefined) {
      const { range, bytes, read } = next;
      next = undefined;
      await read;
      next = start();
      yield { range, bytes };
    }
  } finally {
    // Whoever closes the source must not do so under a read.
    await next?.read.catch(() => {});
  }
}
