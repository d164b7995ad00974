import { type CachePlace, placeOf } from "./cache_place.ts";
import { type CacheRecord, isSameFile, readRecord } from "./cache_record.ts";
import type { SourceContext } from "./context.ts";
import { downloadError, TransferError } from "./errors.ts";
import { Remote } from "./remote.ts";
import type { WebFile } from "./web_file.ts";

/**
 * Finds a file: in the cache, where that has the version of the server, or else
 * on the server. A server that cannot be reached is taken to have what the cache
 * has.
 *
 * @param file The file.
 * @param context What the opening goes by.
 * @returns Its place in the cache, or what the server says of it.
 * @throws {Error} If there is no such file.
 */
export async function locate(
  file: WebFile,
  context: SourceContext,
): Promise<CachePlace | Remote> {
  const { models, offline, manners, signal } = context;
  const { label } = file.target;
  const wanted = (context.sha256 ?? file.target.sha256)?.toLowerCase();
  const place = models === undefined ? undefined : placeOf(models, file.name);
  const record = place && await knownRecord(place);
  if (place !== undefined && record !== undefined) {
    // The same bytes, wherever they are from: nobody needs to be asked.
    if (record.sha256 === wanted) return place;
    if (offline && wanted === undefined) return place;
  }
  if (offline) throw offlineError(label, models, record);
  try {
    const target = { ...file.target, sha256: wanted };
    const remote = await Remote.probe(target, { manners, signal });
    const isThere = record !== undefined && isSameFile(record, remote.facts);
    return isThere ? place! : remote;
  } catch (error) {
    const isDown = (error as Error).cause instanceof TransferError;
    if (isDown && record !== undefined && wanted === undefined) return place!;
    throw error;
  }
}

/** What the cache knows of a file, where the program may look. */
async function knownRecord(
  place: CachePlace,
): Promise<CacheRecord | undefined> {
  // Asking for a permission would stop the program at a prompt.
  const permission = { name: "read", path: place.folder } as const;
  const { state } = await Deno.permissions.query(permission);
  return state === "granted" ? await readRecord(place) : undefined;
}

function offlineError(
  label: string,
  models: string | undefined,
  record: CacheRecord | undefined,
): Error {
  const there = record === undefined
    ? `it is not in ${models === undefined ? "a cache" : `"${models}"`}`
    : `the one that is there has the SHA-256 ${record.sha256}`;
  return downloadError(
    label,
    `${there}, and offline mode (SERAPH_OFFLINE, HF_HUB_OFFLINE) allows no download`,
  );
}
