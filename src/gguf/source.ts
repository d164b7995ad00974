import { closedError } from "./closed_error.ts";
import { openParts } from "./joined_source.ts";
import { locatePart, partOf } from "./part_name.ts";

/**
 * What can be read in place: the path of a file (or a `file:` URL as text), a
 * `file:` URL, or the bytes of the file.
 */
export type LocalInput = string | URL | Uint8Array | Blob;

/** A file of several that a source joins. */
export interface SourcePart {
  /** What errors call it. */
  readonly label: string;
  /** Where it starts in the source, in bytes. */
  readonly offset: number;
  /** Its length in bytes. */
  readonly size: number;
}

/** Bytes that can be read anywhere, in any order. */
export interface ByteSource extends AsyncDisposable {
  /** What errors call it: the path, the URL, `Uint8Array` or `Blob`. */
  readonly label: string;
  /** Length in bytes. */
  readonly size: number;
  /**
   * The files that it joins, one behind the other, where it joins the parts of a
   * split GGUF file. What wraps a source passes them on.
   */
  readonly parts?: readonly SourcePart[] | undefined;
  /**
   * Fills `target` with the bytes from `offset` on. Calls may overlap in time.
   *
   * @throws {RangeError} If the source ends before `target` is full.
   * @throws {TypeError} If the source was disposed.
   */
  readInto(target: Uint8Array, offset: number): Promise<void>;
  /**
   * Brings all bytes to where they can be read fast: what lies elsewhere is
   * downloaded. Reading a header needs none of it; before reading much, call it
   * where there is one.
   *
   * @throws {Error} If they cannot be had.
   */
  prepare?(): Promise<void>;
}

/**
 * Opens a model's bytes. A `Uint8Array` is used in place, not copied. Where a
 * path is that of a part of a split file (`model-00002-of-00006.gguf`), all parts
 * are opened.
 *
 * @param input The model.
 * @returns The source, to be disposed by the caller.
 * @throws {Error} If there is no such file, it is not a regular file, or it may
 * not be read; the cause is Deno's error.
 * @throws {TypeError} If the input is a URL of another scheme than `file:`, or
 * none of the wanted types.
 */
export async function openSource(input: LocalInput): Promise<ByteSource> {
  if (input instanceof Uint8Array) {
    return new MemorySource("Uint8Array", input.length, (target, offset) => {
      target.set(input.subarray(offset, offset + target.length));
    });
  }
  if (input instanceof Blob) {
    return new MemorySource("Blob", input.size, async (target, offset) => {
      const slice = input.slice(offset, offset + target.length);
      target.set(new Uint8Array(await slice.arrayBuffer()));
    });
  }
  if (typeof input === "string" || input instanceof URL) {
    return await openFiles(input);
  }
  throw new TypeError(
    `Cannot open model: it is ${kindOf(input)}, ` +
      "a path, a file: URL, a Uint8Array or a Blob is wanted",
  );
}

function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  return `of type ${Object(value).constructor?.name ?? typeof value}`;
}

function checkRange(
  { label, size }: ByteSource,
  { length }: Uint8Array,
  offset: number,
): void {
  if (!Number.isSafeInteger(offset) || offset < 0) {
    throw new RangeError(
      `Cannot read "${label}": the offset is ${offset}, ` +
        "an integer from 0 on is wanted",
    );
  }
  if (offset + length > size) {
    throw new RangeError(
      `Cannot read "${label}": it ends at byte ${size}, ` +
        `bytes ${offset} to ${offset + length} are wanted`,
    );
  }
}

type Copy = (target: Uint8Array, offset: number) => void | Promise<void>;

class MemorySource implements ByteSource {
  readonly label: string;
  readonly size: number;
  #copy: Copy | undefined;

  constructor(label: string, size: number, copy: Copy) {
    this.label = label;
    this.size = size;
    this.#copy = copy;
  }

  async readInto(target: Uint8Array, offset: number): Promise<void> {
    if (this.#copy === undefined) throw closedError(this.label);
    checkRange(this, target, offset);
    await this.#copy(target, offset);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#copy = undefined;
    return Promise.resolve();
  }
}

async function openFiles(input: string | URL): Promise<ByteSource> {
  const label = String(input);
  const path = filePath(input, label);
  const name = partOf(path);
  if (name === undefined || name.count === 1) return await openFile(input);
  const nameOf = (part: number) => String(locatePart(path, part));
  return await openParts({
    label,
    count: name.count,
    open: (part) => openFile(locatePart(path, part)),
    nameOf,
  });
}

/**
 * Opens one file, also where it is a part of a split one.
 *
 * @param input A path or `file:` URL.
 * @returns The source, to be disposed by the caller.
 * @throws {Error} If there is no such file, it is not a regular file, or it may
 * not be read; the cause is Deno's error.
 * @throws {TypeError} If the input is a URL of another scheme.
 */
export async function openFile(input: string | URL): Promise<ByteSource> {
  const label = String(input);
  const path = filePath(input, label);
  try {
    // Looked at before it is opened, as opening a named pipe would wait.
    const { isFile, isDirectory } = await Deno.stat(path);
    if (!isFile) {
      const kind = isDirectory ? "a directory" : "not a regular file";
      throw new Error(`it is ${kind}, a file is wanted`);
    }
    const file = await Deno.open(path);
    try {
      return new FileSource(label, await file.stat(), file);
    } catch (error) {
      file.close();
      throw error;
    }
  } catch (cause) {
    throw new Error(`Cannot open model "${label}": ${reason(cause)}`, {
      cause,
    });
  }
}

/**
 * Tells the path of a file.
 *
 * @param input A path, a `file:` URL, or one as text.
 * @param label What errors call it.
 * @returns The path or URL.
 * @throws {TypeError} If it is a URL of another scheme.
 */
export function filePath(input: string | URL, label: string): string | URL {
  // One letter before the colon is a Windows drive.
  const isUrl = input instanceof URL || /^[a-z][a-z\d+.-]+:\/\//i.test(input);
  if (!isUrl) return input;
  const url = URL.parse(input);
  if (url === null) {
    throw new TypeError(`Cannot open model "${label}": it is not a valid URL`);
  }
  if (url.protocol !== "file:") {
    throw new TypeError(
      `Cannot open model "${label}": its scheme is "${url.protocol}", ` +
        "only local files are supported",
    );
  }
  return url;
}

function reason(cause: unknown): string {
  if (cause instanceof Deno.errors.NotFound) return "no such file";
  if (cause instanceof Deno.errors.NotCapable) {
    return "no permission to read it, run Deno with --allow-read";
  }
  if (cause instanceof Deno.errors.PermissionDenied) {
    return "no permission to read it";
  }
  return cause instanceof Error ? cause.message : String(cause);
}

class FileSource implements ByteSource {
  readonly label: string;
  readonly size: number;
  /** When it was written last, in milliseconds since 1970. */
  readonly #written: number | undefined;
  #file: Deno.FsFile | undefined;
  /** Reads wait for the one before: a file has one position for all. */
  #last: Promise<void> = Promise.resolve();

  constructor(
    label: string,
    { size, mtime }: Pick<Deno.FileInfo, "size" | "mtime">,
    file: Deno.FsFile,
  ) {
    this.label = label;
    this.size = size;
    this.#written = mtime?.getTime();
    this.#file = file;
  }

  async readInto(target: Uint8Array, offset: number): Promise<void> {
    const file = this.#file;
    if (file === undefined) throw closedError(this.label);
    checkRange(this, target, offset);
    const read = this.#last.then(() => this.#read(file, target, offset));
    this.#last = read.catch(() => {});
    await read;
  }

  async #read(file: Deno.FsFile, target: Uint8Array, offset: number) {
    // At once: an awaited seek would let the caller go on, and block this thread,
    // before the read begins.
    file.seekSync(offset, Deno.SeekMode.Start);
    let done = 0;
    while (done < target.length) {
      const count = await file.read(target.subarray(done));
      if (count === null) {
        const { size } = await file.stat();
        throw new RangeError(
          `Cannot read "${this.label}": it was cut to ${size} bytes ` +
            `while open, it had ${this.size}`,
        );
      }
      done += count;
    }
    this.#checkSame(file);
  }

  /** Refuses what was read if it may be of another file than what was before. */
  #checkSame(file: Deno.FsFile): void {
    const { size, mtime } = file.statSync(); // awaited, it delays the next read
    // One that was cut fails where it ends now, and is the same up to there.
    if (size < this.size || mtime?.getTime() === this.#written) return;
    throw new Error(
      `Cannot read "${this.label}": it was written to while open, ` +
        "one that nobody changes is wanted",
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await this.#last;
    file?.close();
  }
}
