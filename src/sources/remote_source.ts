import type { ByteSource } from "../gguf/source.ts";
import { Backoff } from "./backoff.ts";
import { ChangedError, downloadError } from "./errors.ts";
import type { Manners } from "./manners.ts";
import { Remote } from "./remote.ts";

/** So much of the beginning is kept: headers lie there. */
const MAX_HEAD_BYTES = 64 * 2 ** 20;
/** Asked for at once, at least. */
const LEAST_BYTES = 2 ** 18;
/** A file that changes more often than that while it is read is given up. */
const MAX_RESTARTS = 3;

/** What a {@linkcode RemoteSource} needs. */
export interface RemoteSourceOptions {
  /** How the server is treated. */
  manners: Manners;
  /** Downloads the file, and opens it. */
  fetchAll: () => Promise<ByteSource>;
  /** Stops it. */
  signal?: AbortSignal | undefined;
}

/**
 * A file on a server. Until it is prepared, the beginning is read from there as
 * far as it is asked for; then the file is downloaded, and read from the disk.
 */
export class RemoteSource implements ByteSource {
  readonly label: string;
  readonly size: number;
  #remote: Remote;
  readonly #options: RemoteSourceOptions;
  #head = new Uint8Array();
  /** Reads wait for the one before, which may bring what they want. */
  #last: Promise<void> = Promise.resolve();
  #file: Promise<ByteSource> | undefined;
  #isClosed = false;

  /**
   * Creates a {@linkcode RemoteSource}.
   *
   * @param remote The file, whose size is known.
   * @param options How to read and download it.
   */
  constructor(remote: Remote, options: RemoteSourceOptions) {
    this.#remote = remote;
    this.#options = options;
    this.label = remote.target.label;
    this.size = remote.facts.size!;
  }

  async prepare(): Promise<void> {
    this.#checkOpen();
    this.#file ??= this.#fetchAll();
    try {
      await this.#file;
    } catch (error) {
      this.#file = undefined; // the next attempt may succeed
      throw error;
    }
  }

  async readInto(target: Uint8Array, offset: number): Promise<void> {
    this.#checkOpen();
    if (this.#file !== undefined) {
      return await (await this.#file).readInto(target, offset);
    }
    const end = offset + target.length;
    if (!Number.isSafeInteger(offset) || offset < 0 || end > this.size) {
      throw new RangeError(
        `Cannot read "${this.label}": it ends at byte ${this.size}, ` +
          `bytes ${offset} to ${end} are wanted`,
      );
    }
    const read = this.#last.then(() => this.#read(target, offset, end));
    this.#last = read.catch(() => {});
    await read;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    const file = await this.#file?.catch(() => undefined);
    await file?.[Symbol.asyncDispose]();
  }

  async #fetchAll(): Promise<ByteSource> {
    await this.#last;
    const file = await this.#options.fetchAll();
    const head = this.#head;
    this.#head = new Uint8Array();
    // Where the file has changed meanwhile, the header that was read is another.
    const same = new Uint8Array(Math.min(head.length, file.size));
    await file.readInto(same, 0);
    const isSame = file.size === this.size &&
      same.every((byte, i) => byte === head[i]);
    if (isSame) return file;
    await file[Symbol.asyncDispose]();
    throw downloadError(
      this.label,
      "it changed on the server after its header was read, it has to be opened again",
    );
  }

  #checkOpen(): void {
    if (!this.#isClosed) return;
    throw new TypeError(`Cannot read "${this.label}": it was closed before`);
  }

  async #read(target: Uint8Array, offset: number, end: number): Promise<void> {
    if (end <= MAX_HEAD_BYTES) {
      await this.#readHead(end);
      target.set(this.#head.subarray(offset, end));
      return;
    }
    if (!this.#remote.facts.ranges) {
      throw downloadError(
        this.label,
        `the server sends no parts of it, and bytes ${offset} to ${end} are wanted before it is downloaded`,
      );
    }
    target.set(await this.#fetch(offset, end));
  }

  /** Reads on until the beginning is there up to `end`. */
  async #readHead(end: number): Promise<void> {
    const have = this.#head.length;
    if (end <= have) return;
    // Doubled, so that a long header takes few requests.
    const wanted = Math.min(
      this.size,
      MAX_HEAD_BYTES,
      Math.max(end, have * 2, LEAST_BYTES),
    );
    const head = new Uint8Array(wanted);
    if (this.#remote.facts.ranges) {
      head.set(this.#head);
      head.set(await this.#fetch(have, wanted), have);
    } else head.set(await this.#fetch(0, wanted));
    this.#head = head;
  }

  async #fetch(start: number, end: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(end - start);
    const { manners, signal } = this.#options;
    const backoff = new Backoff({ ...manners, label: this.label, signal });
    let restarts = 0;
    for (let filled = 0; filled < bytes.length;) {
      const { ranges } = this.#remote.facts;
      if (!ranges) filled = 0; // it sends everything again
      try {
        const chunks = ranges
          ? this.#remote.readRange(start + filled, end, signal)
          : this.#remote.readWhole(signal);
        for await (const chunk of chunks) {
          const piece = chunk.subarray(0, bytes.length - filled);
          bytes.set(piece, filled);
          filled += piece.length;
          if (ranges) backoff.reset();
          if (filled === bytes.length) break;
        }
      } catch (error) {
        signal?.throwIfAborted();
        if (error instanceof ChangedError && restarts++ < MAX_RESTARTS) {
          await this.#askAgain(error);
          filled = 0;
        } else await this.#wait(backoff, error);
      }
    }
    return bytes;
  }

  async #wait(backoff: Backoff, error: unknown): Promise<void> {
    try {
      await backoff.wait(error);
    } catch (cause) {
      this.#options.signal?.throwIfAborted();
      const { message } = cause as Error;
      throw message.startsWith("Cannot ")
        ? cause
        : downloadError(this.label, message, cause);
    }
  }

  /** Asks about a file anew; what was read of it has to be of the same one. */
  async #askAgain(changed: ChangedError): Promise<void> {
    const { facts, target } = this.#remote;
    const { manners, signal } = this.#options;
    const { ranges } = changed;
    const remote = await Remote.probe(target, { manners, signal, ranges });
    const { size, etag } = remote.facts;
    const isSame = size === this.size &&
      (this.#head.length === 0 || etag === facts.etag);
    if (!isSame) throw downloadError(this.label, changed.message, changed);
    this.#remote = remote;
  }
}
