import { dirname } from "node:path";
import type { CachePlace } from "./cache_place.ts";
import { isSameFile, readJson, removeIfThere } from "./cache_record.ts";
import { checkDiskSpace } from "./disk_space.ts";
import { type ByteRange, RangeSet } from "./range_set.ts";
import type { RemoteFacts } from "./remote_facts.ts";
import { syncFolder, writeAll, writeWhole } from "./write_whole.ts";

const VERSION = 1;
/** Bytes that are collected before they are written, and for how long. */
const BUFFER_BYTES = 2 ** 20;
const BUFFER_MS = 250;

/** What of a part is there. */
interface PartMap extends Omit<RemoteFacts, "ranges"> {
  done: readonly ByteRange[];
}

/**
 * The bytes of a file that came so far, and a map that says which they are. At
 * any moment, also where the power fails, the map claims only what is on the
 * disk.
 */
export class PartFile implements Disposable {
  readonly #place: CachePlace;
  readonly #facts: RemoteFacts;
  readonly #file: Deno.FsFile;
  readonly #done: RangeSet;
  /** Whether bytes of an earlier attempt are in it. */
  readonly isResumed: boolean;
  #saved: Promise<void> = Promise.resolve();

  private constructor(
    { place, facts }: { place: CachePlace; facts: RemoteFacts },
    file: Deno.FsFile,
    done: RangeSet,
  ) {
    this.#place = place;
    this.#facts = facts;
    this.#file = file;
    this.#done = done;
    this.isResumed = done.bytes > 0;
  }

  /**
   * Opens what came so far of a file; bytes of another version are dropped.
   *
   * @param place Where it is to lie; its lock is held.
   * @param facts What the server says of it.
   * @returns The part, to be disposed of before the file is moved.
   */
  static async open(place: CachePlace, facts: RemoteFacts): Promise<PartFile> {
    const done = await knownRanges(place, facts);
    // Before the bytes that it is of: a map never speaks of others.
    if (done === undefined) await forgetMap(place);
    const file = await Deno.open(place.part, {
      create: true,
      read: true,
      write: true,
      truncate: done === undefined,
    });
    try {
      if (facts.size !== undefined) await file.truncate(facts.size);
      const parts = { place, facts };
      return new PartFile(parts, file, done ?? new RangeSet());
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** Bytes that are there. */
  get doneBytes(): number {
    return this.#done.bytes;
  }

  /** What is not there, in pieces of at most so many bytes. */
  missing(pieceBytes: number): ByteRange[] {
    return this.#done.missing(this.#facts.size ?? 0, pieceBytes);
  }

  /**
   * Checks that the disk has room.
   *
   * @param label What is to be written, as errors call it.
   * @param bytes How much it is, at least. Defaults to 0: there is some left.
   * @throws {Error} If there is none.
   */
  async checkRoom(label: string, bytes = 0): Promise<void> {
    await checkDiskSpace(label, bytes, { folder: this.#place.folder });
  }

  /** Drops all bytes. */
  async clear(): Promise<void> {
    await forgetMap(this.#place);
    this.#done.remove(0, Infinity);
    await this.#file.truncate(0);
    if (this.#facts.size !== undefined) {
      await this.#file.truncate(this.#facts.size);
    }
  }

  /**
   * Opens another way into the file, as many are written to at once.
   *
   * @param offset Where it begins to write.
   * @param onWritten Is told how many bytes were written each time.
   */
  async writer(
    offset: number,
    onWritten: (bytes: number) => void,
  ): Promise<PartWriter> {
    const file = await Deno.open(this.#place.part, { write: true });
    try {
      await file.seek(offset, Deno.SeekMode.Start);
    } catch (error) {
      file.close();
      throw error;
    }
    return new PartWriter(file, offset, (start, end) => {
      this.#done.add(start, end);
      onWritten(end - start);
    });
  }

  /** Writes down what is there; calls wait for each other. */
  async save(): Promise<void> {
    this.#saved = this.#saved.catch(() => {}).then(() => this.#save());
    await this.#saved;
  }

  async #save(): Promise<void> {
    const { size, etag, lastModified, sha256 } = this.#facts;
    // Taken before the disk is waited for: what comes meanwhile may not be on it.
    const map = { size, etag, lastModified, sha256, done: this.#done.ranges };
    const text = JSON.stringify({ version: VERSION, ...map });
    await this.#file.syncData();
    await writeWhole(this.#place.map, text);
  }

  /** Makes sure that all bytes are on the disk. */
  async sync(): Promise<void> {
    await this.#file.sync();
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}

/** Writes bytes one behind the other. */
export class PartWriter implements AsyncDisposable {
  readonly #file: Deno.FsFile;
  readonly #onWritten: (start: number, end: number) => void;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  #filled = 0;
  #flushed = performance.now();
  #offset: number;

  /**
   * Creates a {@linkcode PartWriter}.
   *
   * @param file A file that stands at the offset; it is closed with the writer.
   * @param offset Where that is.
   * @param onWritten Is told which bytes were written.
   */
  constructor(
    file: Deno.FsFile,
    offset: number,
    onWritten: (start: number, end: number) => void,
  ) {
    this.#file = file;
    this.#offset = offset;
    this.#onWritten = onWritten;
  }

  /** Takes bytes, and writes them once there are enough. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const room = this.#buffer.subarray(this.#filled);
      const piece = bytes.subarray(at, at + room.length);
      room.set(piece);
      this.#filled += piece.length;
      at += piece.length;
      if (this.#filled === this.#buffer.length) await this.flush();
    }
    if (performance.now() - this.#flushed > BUFFER_MS) await this.flush();
  }

  /** Writes what was taken. */
  async flush(): Promise<void> {
    const bytes = this.#buffer.subarray(0, this.#filled);
    this.#filled = 0;
    this.#flushed = performance.now();
    await writeAll(this.#file, bytes);
    const start = this.#offset;
    this.#offset += bytes.length;
    if (bytes.length > 0) this.#onWritten(start, this.#offset);
  }

  /** Writes what was taken, and closes the file. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.flush();
    } finally {
      this.#file.close();
    }
  }
}

/**
 * How many bytes of a file have come so far, as somebody else downloads it.
 *
 * @param place Where it is to lie.
 */
export async function bytesSoFar(
  place: Pick<CachePlace, "map">,
): Promise<number> {
  const map = await readJson(place.map).catch(() => undefined);
  return isPartMap(map) ? new RangeSet(map.done).bytes : 0;
}

/** Removes a map for good, before the bytes that it speaks of. */
async function forgetMap({ map }: CachePlace): Promise<void> {
  await removeIfThere(map);
  await syncFolder(dirname(map));
}

/** What is there of this version of a file; `undefined` if that is not known. */
async function knownRanges(
  { part, map }: CachePlace,
  facts: RemoteFacts,
): Promise<RangeSet | undefined> {
  const known = await readJson(map);
  if (!isPartMap(known) || facts.size === undefined) return undefined;
  const hasName = facts.sha256 ?? facts.etag ?? facts.lastModified;
  if (hasName === undefined || !isSameFile(known, facts)) return undefined;
  const info = await Deno.stat(part).catch(() => undefined);
  if (!info?.isFile || info.size !== facts.size) return undefined;
  return new RangeSet(known.done);
}

function isPartMap(value: unknown): value is PartMap {
  if (typeof value !== "object" || value === null) return false;
  const { version, size, done } = value as Record<string, unknown>;
  if (version !== VERSION || !Array.isArray(done)) return false;
  return done.every((range) =>
    Array.isArray(range) && range.length === 2 &&
    Number.isSafeInteger(range[0]) && Number.isSafeInteger(range[1]) &&
    0 <= range[0] && range[0] < range[1] && range[1] <= Number(size)
  );
}
