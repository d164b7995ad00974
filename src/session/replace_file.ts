/** Of a new file: what was said in a conversation is its owner's. */
const NEW_MODE = 0o600;

/**
 * Writes a file by way of another one beside it: a file of that name stays as
 * it is until the new one is whole. A link stays one, and what it points to is
 * replaced. The new file has the permissions of the old one, or else its owner's
 * alone; Windows gives it those of its folder.
 *
 * @param path The file; of a URL its path counts.
 * @param parts What to write, one behind the other.
 * @param options Interruption.
 * @throws {Error} If something other than a file has that name, or it cannot be
 * written; nothing stays behind.
 */
export async function replaceFile(
  path: string | URL,
  parts: Iterable<Uint8Array>,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const { target, mode } = await resolve(path);
  const temporary = besides(target);
  const file = await Deno.open(temporary, {
    createNew: true,
    write: true,
    mode: NEW_MODE,
  });
  try { // From here on it is a file of ours that would stay.
    await fill(file, parts, signal);
    if (mode !== undefined) await Deno.chmod(temporary, mode);
    signal?.throwIfAborted();
    await Deno.rename(temporary, target);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
}

/**
 * Checks that a URL is one of a file.
 *
 * @param path A path or URL.
 * @param action What is to be done with it, for the error.
 * @throws {TypeError} If it is of another scheme.
 */
export function checkScheme(path: string | URL, action: string): void {
  if (!(path instanceof URL) || path.protocol === "file:") return;
  throw new TypeError(
    `Cannot ${action} "${path}": its scheme is "${path.protocol}", ` +
      "a path or a file: URL is wanted",
  );
}

/**
 * Checks that a name is a regular file's, as reading others may never end.
 *
 * @param info What there is of that name.
 * @throws {Error} If it is something else.
 */
export function checkRegular({ isFile, isDirectory }: Deno.FileInfo): void {
  if (isFile) return;
  const kind = isDirectory ? "a directory" : "not a regular file";
  throw new Error(`it is ${kind}, a file is wanted`);
}

/** What is to be replaced, and its permissions where they can be kept. */
async function resolve(
  path: string | URL,
): Promise<{ target: string | URL; mode?: number | undefined }> {
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

/** Writes a file and closes it. */
async function fill(
  file: Deno.FsFile,
  parts: Iterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<void> {
  using open = file;
  for (const part of parts) {
    for (let at = 0; at < part.length;) {
      at += await open.write(part.subarray(at));
    }
    signal?.throwIfAborted();
  }
  await open.sync(); // or a crash could leave an empty file of that name
}
