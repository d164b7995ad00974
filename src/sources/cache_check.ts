import { type CachedFile, type CacheOptions, listCache } from "./cache_list.ts";
import { hashFile } from "./hash_file.ts";
import { Meter } from "./meter.ts";
import type { DownloadProgress } from "./options.ts";

/** A file of the cache that was hashed. */
export interface VerifiedFile extends CachedFile {
  /** What is wrong with it; `undefined` where it is as it was downloaded. */
  problem: string | undefined;
}

/** Options for {@linkcode verifyCache}. */
export interface VerifyCacheOptions extends CacheOptions {
  /** Called about ten times a second. */
  onProgress?: ((progress: DownloadProgress) => void) | undefined;
  /** Stops it. */
  signal?: AbortSignal | undefined;
}

/**
 * Hashes all whole files of the cache.
 *
 * @param options Where it is, progress and interruption.
 * @returns The files, and which of them are not as they were downloaded.
 * @throws {Error} If the cache may not be read.
 */
export async function verifyCache(
  options: VerifyCacheOptions = {},
): Promise<VerifiedFile[]> {
  const { onProgress, signal } = options;
  const files = (await listCache(options))
    .filter(({ kind }) => kind === "file");
  const meter = new Meter({ label: "cache", onProgress });
  for (const { bytes } of files) meter.expect(bytes);
  const verified: VerifiedFile[] = [];
  for (const file of files) {
    meter.begin("verifying", 0);
    const problem = await findProblem(
      file,
      (bytes) => meter.add(bytes),
      signal,
    );
    verified.push({ ...file, problem });
    meter.finish(file.bytes);
  }
  return verified;
}

async function findProblem(
  { path, sha256 }: CachedFile,
  onHashed: (bytes: number) => void,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  try {
    const hash = await hashFile(path, { onHashed, signal });
    return hash === sha256
      ? undefined
      : `its SHA-256 is ${hash}, ${sha256} is wanted`;
  } catch (error) {
    signal?.throwIfAborted();
    return error instanceof Error ? error.message : String(error);
  }
}
