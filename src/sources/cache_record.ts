import { writeWhole } from "./write_whole.ts";
import type { CachePlace } from "./cache_place.ts";
import type { RemoteFacts } from "./remote_facts.ts";

const VERSION = 1;

/** What is known of a downloaded file. */
export interface CacheRecord {
  /** What it was asked for as. */
  label: string;
  /** Its bytes. */
  size: number;
  /** Its SHA-256, in hex. */
  sha256: string;
  /** Its version, as the server calls it. */
  etag?: string | undefined;
  /** When it was changed on the server. */
  lastModified?: string | undefined;
  /** When it was downloaded, as ISO 8601. */
  downloaded: string;
}

/**
 * Looks up a downloaded file.
 *
 * @param place Its place.
 * @returns What is known of it; `undefined` where there is no whole file.
 */
export async function readRecord(
  { path, record }: Pick<CachePlace, "path" | "record">,
): Promise<CacheRecord | undefined> {
  const parsed = await readJson(record);
  if (!isRecord(parsed)) return undefined;
  const info = await Deno.stat(path).catch(() => undefined);
  return info?.isFile && info.size === parsed.size ? parsed : undefined;
}

/**
 * Puts a whole file into its place. A file that was there is given up before, so
 * that no record ever stands beside a file that it is not of.
 *
 * @param place The place, with all bytes in its part.
 * @param record What is known of it.
 */
export async function commit(
  place: CachePlace,
  record: CacheRecord,
): Promise<void> {
  await removeIfThere(place.record);
  await removeIfThere(place.path);
  const text = JSON.stringify({ version: VERSION, ...record }, null, 2) + "\n";
  await writeWhole(place.record, text);
  await Deno.rename(place.part, place.path);
  await removeIfThere(place.map);
}

/** Notes that a downloaded file was used just now. */
export async function touch({ record }: CachePlace): Promise<void> {
  const permission = { name: "write", path: record } as const;
  const { state } = await Deno.permissions.query(permission);
  if (state !== "granted") return; // a cache that may only be read is one too
  const now = new Date();
  await Deno.utime(record, now, now).catch(() => {});
}

/**
 * Whether a downloaded file is the one that a server has.
 *
 * @param known What is known of the downloaded one.
 * @param facts What the server says.
 */
export function isSameFile(
  known: Partial<RemoteFacts>,
  facts: RemoteFacts,
): boolean {
  if (facts.size !== undefined && known.size !== facts.size) return false;
  if (facts.sha256 !== undefined && known.sha256 !== undefined) {
    return known.sha256 === facts.sha256;
  }
  if (facts.etag !== undefined) return known.etag === facts.etag;
  // Models of one shape have one size: where a server says no more, who knows.
  return facts.lastModified !== undefined &&
    known.lastModified === facts.lastModified;
}

/** Removes a file if there is one. */
export async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Reads a JSON file; `undefined` where there is none, or it is broken. */
export async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await Deno.readTextFile(path));
  } catch (error) {
    const isExpected = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory ||
      error instanceof SyntaxError;
    if (isExpected) return undefined;
    throw error;
  }
}

function isRecord(value: unknown): value is CacheRecord {
  if (typeof value !== "object" || value === null) return false;
  const { version, label, size, sha256, etag, lastModified, downloaded } =
    value as Record<string, unknown>;
  const isText = (one: unknown) => typeof one === "string";
  return version === VERSION && isText(label) && Number.isSafeInteger(size) &&
    isText(sha256) && isText(downloaded) &&
    [etag, lastModified].every((one) => one === undefined || isText(one));
}
