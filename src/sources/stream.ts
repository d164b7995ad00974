import { join } from "node:path";
import { type ByteSource, openFile } from "../gguf/source.ts";
import { modelsFolder } from "./cache_place.ts";
import type { SourceOptions } from "./context.ts";
import { reasonOf } from "./errors.ts";
import { tryLock } from "./lock.ts";
import { relabel } from "./relabel.ts";
import { writeAll } from "./write_whole.ts";

/** Folder of what is kept of streams, within that of downloaded models. */
export const STREAMS_FOLDER = ".streams";

/** What a stream is called, which has no name of its own. */
export const STREAM_LABEL = "ReadableStream";

/** A stream that was kept in a file, as long as it is not disposed of. */
export interface KeptStream extends AsyncDisposable {
  /** The file. */
  path: string;
}

/**
 * Keeps a stream in a temporary file, in the folder of downloaded models: that
 * of the system may lie in memory. A lock beside it tells `pruneCache()` whether
 * its program lives.
 *
 * @param stream The stream; it is read to its end, or cancelled.
 * @param options Folder and interruption.
 * @returns The file; disposing of it removes it.
 * @throws {Error} If it cannot be written; nothing stays.
 * @throws What the stream throws; the signal's reason.
 */
export async function keepStream(
  stream: ReadableStream<Uint8Array>,
  { cacheDir, signal }: Pick<SourceOptions, "cacheDir" | "signal">,
): Promise<KeptStream> {
  if (stream.locked) {
    throw new TypeError(
      "Cannot open model: its stream is locked, one that nobody reads is wanted",
    );
  }
  await using stack = new AsyncDisposableStack();
  let path: string;
  let file: Deno.FsFile;
  try {
    const models = modelsFolder(cacheDir);
    const folder = models && join(models, STREAMS_FOLDER);
    if (folder !== undefined) await Deno.mkdir(folder, { recursive: true });
    const dir = folder === undefined ? {} : { dir: folder };
    // Errors of a worker, which reads the file, name it.
    const names = { prefix: `${STREAM_LABEL}-`, suffix: ".gguf" };
    path = await Deno.makeTempFile({ ...dir, ...names });
    stack.defer(() => Deno.remove(path).catch(() => {}));
    // Not the file itself: Windows lets nobody read what is locked.
    stack.use(await tryLock(`${path}.lock`));
    file = await Deno.open(path, { write: true });
  } catch (cause) {
    await stream.cancel().catch(() => {});
    throw new Error(`Cannot keep stream: ${reasonOf(cause)}`, { cause });
  }
  using _ = file;
  const sink = new WritableStream<Uint8Array>({
    async write(chunk) {
      if (chunk instanceof Uint8Array) return await writeAll(file, chunk);
      throw new TypeError(
        `Cannot open model: its stream has a chunk of type ${typeof chunk}, ` +
          "Uint8Array is wanted",
      );
    },
  });
  await stream.pipeTo(sink, signal === undefined ? {} : { signal });
  const kept = stack.move();
  return { path, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/**
 * Opens the bytes of a stream.
 *
 * @param stream The stream; it is read to its end.
 * @param options Folder and interruption.
 * @returns The source; disposing of it removes what was kept.
 */
export async function openStream(
  stream: ReadableStream<Uint8Array>,
  options: SourceOptions,
): Promise<ByteSource> {
  const kept = await keepStream(stream, options);
  try {
    const source = relabel(await openFile(kept.path), STREAM_LABEL);
    return {
      ...source,
      async [Symbol.asyncDispose]() {
        await source[Symbol.asyncDispose]();
        await kept[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await kept[Symbol.asyncDispose]();
    throw error;
  }
}
