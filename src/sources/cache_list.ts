import { join } from "node:path";
import { modelsFolder, RECORDS_FOLDER, whyNoFolder } from "./cache_place.ts";
import { readRecord } from "./cache_record.ts";
import { reasonOf } from "./errors.ts";
import { tryLock } from "./lock.ts";
import { STREAMS_FOLDER } from "./stream.ts";

/** A file in the cache of downloaded models. */
export interface CachedFile {
  /** Where it is. */
  path: string;
  /** What it was asked for as; its path where that is not known. */
  label: string;
  /**
   * What it is: a whole `"file"`, a `"part"` of one that another attempt can go on
   * with, or a `"leftover"` that nobody needs.
   */
  kind: "file" | "part" | "leftover";
  /** Bytes that it takes on the disk. */
  bytes: number;
  /** Its SHA-256, in hex, as it was when it was downloaded. */
  sha256: string | undefined;
  /** When it was used last, or, of a part, written. */
  lastUsed: Date;
}

/** Options for what looks at the cache. */
export interface CacheOptions {
  /** Folder of downloaded models. Defaults as in `DownloadOptions`. */
  cacheDir?: string | undefined;
}

/**
 * Lists the cache of downloaded models.
 *
 * @param options Where it is.
 * @returns Its files by path; those that a program is just downloading are
 * parts.
 * @throws {Error} If it may not be read.
 */
export async function listCache(
  options: CacheOptions = {},
): Promise<CachedFile[]> {
  const files = await Array.fromAsync(walk(cacheFolderOf(options)));
  return files.sort((a, b) => a.path < b.path ? -1 : 1);
}

/**
 * The folder of downloaded models.
 *
 * @throws {Error} If the program may not know it.
 */
export function cacheFolderOf({ cacheDir }: CacheOptions): string {
  const folder = modelsFolder(cacheDir);
  if (folder !== undefined) return folder;
  throw new Error(`Cannot list the cache: ${whyNoFolder()}`);
}

async function* walk(folder: string): AsyncGenerator<CachedFile> {
  const names = await namesIn(folder);
  const isOurs = names.some(({ name }) => name === RECORDS_FOLDER);
  const records = join(folder, RECORDS_FOLDER);
  const known = new Set<string>();
  for (const { name } of await namesIn(records)) {
    const file = await describe(folder, name);
    if (file === undefined) continue;
    known.add(file.path);
    yield file;
  }
  for (const { name, isDirectory } of names) {
    const path = join(folder, name);
    if (name === RECORDS_FOLDER || known.has(path)) continue;
    if (name === STREAMS_FOLDER) yield* streams(path);
    else if (isDirectory) yield* walk(path);
    // In a folder that is not ours, files may be anybody's.
    else if (isOurs) yield await leftover(path);
  }
}

/** What a record, part or the like of a folder is about. */
async function describe(
  folder: string,
  name: string,
): Promise<CachedFile | undefined> {
  const path = join(folder, RECORDS_FOLDER, name);
  if (name.endsWith(".json")) {
    const whole = join(folder, name.slice(0, -".json".length));
    const record = await readRecord({ path: whole, record: path });
    if (record === undefined) return await leftover(path);
    const { label, size: bytes, sha256 } = record;
    const lastUsed = (await Deno.stat(path)).mtime ?? new Date(0);
    return { path: whole, label, kind: "file", bytes, sha256, lastUsed };
  }
  if (name.endsWith(".part")) {
    return { ...await leftover(path), kind: "part" };
  }
  // Maps go with their parts, and locks with who holds them.
  const part = path.replace(/\.(map|map\.new)$/, ".part");
  const isNeeded = name.endsWith(".lock") ||
    part !== path && await exists(part);
  return isNeeded ? undefined : await leftover(path);
}

async function* streams(folder: string): AsyncGenerator<CachedFile> {
  for (const { name } of await namesIn(folder)) {
    if (name.endsWith(".lock")) continue;
    const path = join(folder, name);
    // Its program holds the lock as long as it lives.
    await using lock = await tryLock(`${path}.lock`);
    if (lock !== undefined) yield await leftover(path);
  }
}

async function leftover(path: string): Promise<CachedFile> {
  const { size, blocks, mtime } = await Deno.stat(path);
  // A part is as long as its file from the beginning, and mostly a hole.
  const bytes = blocks === null ? size : blocks * 512;
  return {
    path,
    label: path,
    kind: "leftover",
    bytes,
    sha256: undefined,
    lastUsed: mtime ?? new Date(0),
  };
}

async function namesIn(folder: string): Promise<Deno.DirEntry[]> {
  try {
    return await Array.fromAsync(Deno.readDir(folder));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw new Error(`Cannot list the cache: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
