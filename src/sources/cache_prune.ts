import { basename, dirname, join } from "node:path";
import {
  type CachedFile,
  cacheFolderOf,
  type CacheOptions,
  listCache,
} from "./cache_list.ts";
import { RECORDS_FOLDER } from "./cache_place.ts";
import { removeIfThere } from "./cache_record.ts";
import { tryLock } from "./lock.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/** What of the cache is to go. */
export interface PruneCriteria {
  /** Whole files go that were not used for so many days. Defaults to none. */
  days?: number | undefined;
  /**
   * Whole files go, the least recently used first, until all together take at
   * most so many bytes. Defaults to no limit.
   */
  maxBytes?: number | undefined;
  /** Parts go that nobody went on with for so many days. Defaults to 1. */
  partDays?: number | undefined;
}

/** Options for {@linkcode pruneCache}. */
export interface PruneCacheOptions extends CacheOptions, PruneCriteria {
  /** Removes nothing, and tells what would go. Defaults to `false`. */
  dryRun?: boolean | undefined;
}

/**
 * Removes what nobody needs from the cache: leftovers, parts that nobody goes on
 * with, and, where it is asked for, whole files. What a program is downloading
 * stays.
 *
 * @param options Where the cache is, and what is to go.
 * @returns What was removed.
 * @throws {RangeError} If a number is negative.
 * @throws {Error} If the cache may not be changed.
 */
export async function pruneCache(
  options: PruneCacheOptions = {},
): Promise<CachedFile[]> {
  const { days, maxBytes, partDays } = options;
  for (const [name, value] of Object.entries({ days, maxBytes, partDays })) {
    if (value === undefined || value >= 0) continue;
    throw new RangeError(
      `Cannot prune the cache: ${name} is ${value}, a number from 0 on is wanted`,
    );
  }
  const chosen = choosePruned(await listCache(options), options);
  if (options.dryRun) return chosen;
  const removed: CachedFile[] = [];
  const models = cacheFolderOf(options);
  for (const file of chosen) {
    if (!await remove(file)) continue;
    removed.push(file);
    await removeEmptyFolders(dirname(file.path), models);
  }
  return removed;
}

/**
 * Chooses what is to go.
 *
 * @param files What there is.
 * @param criteria What is asked for.
 * @param now Milliseconds since 1970.
 * @returns What is to go, in the order of `files`.
 */
export function choosePruned(
  files: readonly CachedFile[],
  { days = Infinity, maxBytes = Infinity, partDays = 1 }: PruneCriteria,
  now: number = Date.now(),
): CachedFile[] {
  const chosen = new Set(files.filter(({ kind, lastUsed }) => {
    const age = (now - lastUsed.getTime()) / DAY_MS;
    if (kind === "leftover") return true;
    return age >= (kind === "file" ? days : partDays);
  }));
  const kept = files.filter((file) => file.kind === "file" && !chosen.has(file))
    .sort((a, b) => b.lastUsed.getTime() - a.lastUsed.getTime());
  let sum = 0;
  for (const file of kept) {
    sum += file.bytes;
    if (sum > maxBytes) chosen.add(file);
  }
  return files.filter((file) => chosen.has(file));
}

/** Removes a file with what belongs to it, unless somebody downloads it. */
async function remove({ path, kind }: CachedFile): Promise<boolean> {
  if (kind === "leftover") {
    await removeIfThere(path);
    return true;
  }
  const folder = dirname(path);
  const stem = kind === "file"
    ? join(folder, RECORDS_FOLDER, basename(path))
    : path.slice(0, -".part".length);
  await using lock = await tryLock(`${stem}.lock`);
  if (lock === undefined) return false;
  // The record first: without it, the file counts as none.
  const belonging = kind === "file"
    ? [`${stem}.json`, path]
    : [`${stem}.map`, `${stem}.map.new`, path];
  for (const one of belonging) await removeIfThere(one);
  return true;
}

/** Removes folders that have become empty, up to the one of all models. */
async function removeEmptyFolders(
  folder: string,
  models: string,
): Promise<void> {
  try {
    const records = join(folder, RECORDS_FOLDER);
    await Deno.remove(records).catch(() => {});
    for (let at = folder; at.length > models.length; at = dirname(at)) {
      await Deno.remove(at);
    }
  } catch {
    // It is not empty.
  }
}
