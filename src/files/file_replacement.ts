import { dirname } from "node:path";
import { checkRegular } from "./check_file.ts";
import { diskShortage } from "./disk_space.ts";

/** Of a new file, unless its maker says otherwise: its owner's alone. */
const NEW_MODE = 0o600;

/**
 * A file that is written by way of another one beside it: a file of that name
 * stays as it is until the new one is whole. A link stays one, and what it
 * points to is replaced. The new file has the permissions of the old one;
 * Windows gives it those of its folder.
 *
 * Disposing of it before {@linkcode FileReplacement.commit} removes what was
 * written.
 */
export class FileReplacement implements AsyncDisposable {
  readonly #target: string | URL;
  readonly #temporary: string | URL;
  readonly #mode: number | undefined;
  /** Open while it is written. */
  #file: Deno.FsFile | undefined;
  /** Whether there is a temporary file of ours. */
  #isOurs = true;
  /** The last write, as Windows removes no file that is written. */
  #last: Promise<unknown> = Promise.resolve();
  /** Whether a write has failed. */
  #isBroken = false;

  private constructor(
    { target, mode }: Target,
    temporary: string | URL,
    file: Deno.FsFile,
  ) {
    this.#target = target;
    this.#mode = mode;
    this.#temporary = temporary;
    this.#file = file;
  }

  /**
   * Creates the other file, empty.
   *
   * @param path The file to be replaced or made; of a URL its path counts.
   * @param options `mode`: permissions of a new file; defaults to its owner's
   * alone. `size`: bytes that it will have, as far as they are known.
   * @returns What is to be disposed of by the caller, also after a commit.
   * @throws {Error} If something other than a file has that name, there is no
   * such folder, or the disk has less room.
   */
  static async open(
    path: string | URL,
    { mode = NEW_MODE, size }: {
      mode?: number | undefined;
      size?: number;
    } = {},
  ): Promise<FileReplacement> {
    const target = await resolve(path);
    const temporary = besides(target.target);
    const folder = typeof temporary === "string"
      ? dirname(temporary)
      : new URL(".", temporary);
    const shortage = size && await diskShortage(size, { folder });
    if (shortage) throw new Error(shortage);
    const file = await Deno.open(temporary, {
      createNew: true,
      write: true,
      mode,
    });
    return new FileReplacement(target, temporary, file);
  }

  /**
   * Appends bytes.
   *
   * @param bytes The bytes, to be left alone until they are written.
   * @throws {Error} If they cannot be written, or it is closed.
   */
  async write(bytes: Uint8Array): Promise<void> {
    const file = this.#file;
    if (file === undefined) {
      throw new Error(`Cannot write "${this.#target}": it was closed before`);
    }
    const write = this.#last.then(() => writeAll(file, bytes));
    this.#last = write.catch(() => {
      this.#isBroken = true;
    });
    await write;
  }

  /**
   * Gives the file its name.
   *
   * @param options `signal` keeps the old file where it is aborted by then.
   * @throws {Error} If it was closed, or a write has failed.
   */
  async commit(
    { signal }: { signal?: AbortSignal | undefined } = {},
  ): Promise<void> {
    await this.#last;
    if (this.#file === undefined || this.#isBroken) {
      const why = this.#isBroken ? "a write has failed" : "it was closed";
      throw new Error(`Cannot write "${this.#target}": ${why} before`);
    }
    await this.#file.sync(); // or a crash could leave an empty file
    this.#close();
    if (this.#mode !== undefined) await Deno.chmod(this.#temporary, this.#mode);
    signal?.throwIfAborted();
    await Deno.rename(this.#temporary, this.#target);
    this.#isOurs = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last;
    this.#close();
    if (!this.#isOurs) return;
    this.#isOurs = false;
    await Deno.remove(this.#temporary).catch(() => {});
  }

  #close(): void {
    this.#file?.close();
    this.#file = undefined;
  }
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += await file.write(bytes.subarray(at));
  }
}

/** What is to be replaced, and its permissions where they can be kept. */
interface Target {
  target: string | URL;
  mode?: number | undefined;
}

async function resolve(path: string | URL): Promise<Target> {
  try {
    const target = await Deno.realPath(path);
    const info = await Deno.stat(target);
    checkRegular(info);
    const isKept = info.mode !== null && Deno.build.os !== "windows";
    return { target, mode: isKept ? info.mode! & 0o777 : undefined };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const link = await Deno.lstat(path).catch(() => undefined);
  if (link?.isSymlink) {
    throw new Error("it is a link to nothing, a file is wanted");
  }
  return { target: path };
}

/** A name beside a file's that nobody else has. */
function besides(path: string | URL): string | URL {
  const suffix = `.${crypto.randomUUID().slice(0, 8)}.part`;
  if (!(path instanceof URL)) return path + suffix;
  const url = new URL(path);
  url.search = "";
  url.hash = "";
  url.pathname += suffix; // in a query it would not be part of the name
  return url;
}
