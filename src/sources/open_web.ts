import { type ByteSource, openFile } from "../gguf/source.ts";
import { type CachePlace, placeOf } from "./cache_place.ts";
import {
  type CacheRecord,
  isSameFile,
  readRecord,
  touch,
} from "./cache_record.ts";
import type { SourceContext } from "./context.ts";
import { download } from "./download.ts";
import { downloadError, TransferError } from "./errors.ts";
import { relabel } from "./relabel.ts";
import { Remote } from "./remote.ts";
import { RemoteSource } from "./remote_source.ts";
import type { WebFile } from "./web_file.ts";

/**
 * Opens a file of a server: the one in the cache where it is of the version that
 * the server has, or else the one there, which is downloaded when it is prepared.
 * A server that cannot be reached is taken to have what the cache has.
 *
 * @param file The file.
 * @param context What the opening goes by.
 * @returns The source, to be disposed by the caller.
 * @throws {Error} If there is no such file, or it cannot be had.
 */
export async function openWeb(
  file: WebFile,
  context: SourceContext,
): Promise<ByteSource> {
  const { label } = file.target;
  const found = await locate(file, context);
  if (!(found instanceof Remote)) return await openCached(found, label);
  const { manners, meter, signal } = context;
  const fetchAll = async () =>
    await openCached(await fetchFile(found, file, context), label);
  const { size } = found.facts;
  const isTotalKnown = size !== undefined && meter.totalBytes !== undefined;
  meter.totalBytes = isTotalKnown ? meter.totalBytes! + size : undefined;
  // Without a size nothing is known of where a tensor may be.
  if (size === undefined) return await fetchAll();
  return new RemoteSource(found, { manners, fetchAll, signal });
}

/** Brings a file into the cache, unless it is there. */
async function fetchFile(
  remote: Remote,
  { target: { label }, name }: WebFile,
  { models, manners, meter, signal }: SourceContext,
): Promise<CachePlace> {
  if (models === undefined) {
    throw downloadError(
      label,
      "no permission to read where the cache folder is, " +
        "run Deno with --allow-env or give cacheDir",
    );
  }
  const place = placeOf(models, name);
  await download(remote, place, { manners, meter, signal });
  meter.finish(remote.facts.size ?? 0);
  return place;
}

/** Finds a file: in the cache, or on its server. */
async function locate(
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

async function openCached(
  place: CachePlace,
  label: string,
): Promise<ByteSource> {
  await touch(place);
  return relabel(await openFile(place.path), label);
}
