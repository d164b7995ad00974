import { FileReplacement } from "./file_replacement.ts";

/** Options for {@linkcode replaceFile}. */
export interface ReplaceFileOptions {
  /** Stops it; nothing of it stays. */
  signal?: AbortSignal | undefined;
  /** Permissions of a new file. Defaults to its owner's alone. */
  mode?: number | undefined;
}

/**
 * Writes a file by way of another one beside it; see
 * {@linkcode FileReplacement}.
 *
 * @param path The file; of a URL its path counts.
 * @param parts What to write, one behind the other.
 * @param options Interruption, and permissions.
 * @throws {Error} If something other than a file has that name, or it cannot be
 * written; nothing stays behind.
 */
export async function replaceFile(
  path: string | URL,
  parts: Iterable<Uint8Array>,
  { signal, mode }: ReplaceFileOptions = {},
): Promise<void> {
  await using file = await FileReplacement.open(path, { mode });
  for (const part of parts) {
    await file.write(part);
    signal?.throwIfAborted();
  }
  await file.commit({ signal });
}
