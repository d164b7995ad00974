/**
 * Writes a small file of ours by way of another one beside it: it is whole at
 * any time, also where the power fails. Only who holds the lock may write.
 *
 * @param path The file.
 * @param text What is to be in it.
 */
export async function writeWhole(path: string, text: string): Promise<void> {
  const temporary = `${path}.new`;
  const bytes = new TextEncoder().encode(text);
  {
    using file = await Deno.open(temporary, {
      create: true,
      write: true,
      truncate: true,
    });
    await writeAll(file, bytes);
    await file.sync();
  }
  await Deno.rename(temporary, path);
}

/** Writes all of some bytes where a file stands. */
export async function writeAll(
  file: Deno.FsFile,
  bytes: Uint8Array,
): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    done += await file.write(bytes.subarray(done));
  }
}

/** Waits until the names in a folder are on the disk, where systems do that. */
export async function syncFolder(path: string): Promise<void> {
  try {
    using folder = await Deno.open(path);
    await folder.sync();
  } catch {
    // Windows opens no folder.
  }
}
