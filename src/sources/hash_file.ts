import { createHash } from "node:crypto";

const CHUNK_BYTES = 4 * 2 ** 20;

/** Options for {@linkcode hashFile}. */
export interface HashFileOptions {
  /** Is told how many bytes were hashed each time. */
  onHashed?: ((bytes: number) => void) | undefined;
  /** Stops it. */
  signal?: AbortSignal | undefined;
}

/**
 * Hashes a file.
 *
 * @param path The file.
 * @param options Progress and interruption.
 * @returns Its SHA-256, in hex.
 */
export async function hashFile(
  path: string,
  { onHashed, signal }: HashFileOptions = {},
): Promise<string> {
  const hash = createHash("sha256");
  const chunk = new Uint8Array(CHUNK_BYTES);
  using file = await Deno.open(path);
  while (true) {
    signal?.throwIfAborted();
    const count = await file.read(chunk);
    if (count === null) return hash.digest("hex");
    hash.update(chunk.subarray(0, count));
    onHashed?.(count);
  }
}
