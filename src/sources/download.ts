import { openFile } from "../gguf/source.ts";
import { readGguf } from "../gguf/reader.ts";
import { type CachePlace, RECORDS_FOLDER } from "./cache_place.ts";
import {
  commit,
  isSameFile,
  readRecord,
  removeIfThere,
  touch,
} from "./cache_record.ts";
import { ChangedError, downloadError, reasonOf } from "./errors.ts";
import { fetchBytes, type FetchOptions } from "./fetch_bytes.ts";
import { hashFile } from "./hash_file.ts";
import { acquireLock } from "./lock.ts";
import { relabel } from "./relabel.ts";
import { bytesSoFar, PartFile } from "./part_file.ts";
import { Remote } from "./remote.ts";

/** A file that changes more often than that is given up. */
const MAX_RESTARTS = 3;

/**
 * Downloads a file to its place in the cache, unless it is there. Of programs
 * that want the same file, one downloads it and the others wait.
 *
 * Whatever happens, and whenever, the place has the whole file or none: bytes
 * that came stay in a part, and the next attempt goes on with them.
 *
 * @param remote The file, which was asked about.
 * @param place Where it is to lie.
 * @param options How.
 * @throws {Error} If it cannot be had, or is not what was announced.
 * @throws The signal's reason.
 */
export async function download(
  remote: Remote,
  place: CachePlace,
  options: FetchOptions,
): Promise<void> {
  const { label } = remote.target;
  const { signal, meter } = options;
  try {
    await Deno.mkdir(`${place.folder}/${RECORDS_FOLDER}`, { recursive: true });
    await using _ = await acquireLock(place.lock, {
      signal,
      onWait: async () => meter.begin("waiting", await bytesSoFar(place)),
    });
    await downloadAlone(remote, place, options);
    await touch(place);
  } catch (thrown) {
    signal?.throwIfAborted();
    // A full disk shows when the rest is written after another error.
    const error = thrown instanceof SuppressedError ? thrown.error : thrown;
    throw isOfSystem(error)
      ? downloadError(label, reasonOf(error), error)
      : error;
  }
}

/** Whether an error is one of the file system, which names no download. */
function isOfSystem(error: unknown): boolean {
  return error instanceof Error && !error.message.startsWith("Cannot ") &&
    ("code" in error || /\(os error \d+\)/.test(error.message) ||
      Object.values(Deno.errors).some((type) => error instanceof type));
}

/** Downloads a file of which the lock is held. */
async function downloadAlone(
  remote: Remote,
  place: CachePlace,
  options: FetchOptions,
): Promise<void> {
  const { target } = remote;
  const { manners, signal, meter } = options;
  const known = await readRecord(place);
  if (known !== undefined && isSameFile(known, remote.facts)) {
    meter.begin("downloading", known.size);
    return;
  }
  for (let restarts = 0;; restarts++) {
    try {
      return await attempt(remote, place, options);
    } catch (error) {
      if (!(error instanceof ChangedError)) throw error;
      if (restarts === MAX_RESTARTS) {
        throw downloadError(
          target.label,
          `it was begun ${
            restarts + 1
          } times and did not stay as it was: ${error.message}`,
          error,
        );
      }
      const { ranges } = error;
      remote = await Remote.probe(target, { manners, signal, ranges });
    }
  }
}

/** Downloads one version of a file. */
async function attempt(
  remote: Remote,
  place: CachePlace,
  options: FetchOptions,
): Promise<void> {
  const { target: { label }, facts } = remote;
  const { meter } = options;
  const { size, isResumed } = await fill(remote, place, options);
  meter.begin("verifying", 0);
  const sha256 = await hashFile(place.part, {
    onHashed: (bytes) => meter.add(bytes),
    signal: options.signal,
  });
  const problem = facts.sha256 === undefined
    ? await findDamage(place, label)
    : facts.sha256 === sha256
    ? undefined
    : `its SHA-256 is ${sha256}, ${facts.sha256} is wanted`;
  if (problem === undefined) {
    const { etag, lastModified } = facts;
    const downloaded = new Date().toISOString();
    const record = { label, size, sha256, etag, lastModified, downloaded };
    await commit(place, record);
    return;
  }
  await removePart(place);
  // Bytes of an earlier attempt may be what is wrong.
  if (isResumed) throw new ChangedError(problem);
  throw downloadError(label, problem);
}

/** Fetches all bytes of a file into its part. */
async function fill(
  remote: Remote,
  place: CachePlace,
  options: FetchOptions,
): Promise<{ size: number; isResumed: boolean }> {
  const { target: { label }, facts } = remote;
  let isOfUse = false;
  try {
    using part = await PartFile.open(place, facts);
    try {
      const { doneBytes, isResumed } = part;
      await part.checkRoom(label, (facts.size ?? 0) - doneBytes);
      options.meter.begin("downloading", doneBytes);
      const size = await fetchBytes(remote, part, options);
      await part.sync();
      isOfUse = true;
      return { size, isResumed };
    } finally {
      isOfUse ||= facts.ranges && part.doneBytes > 0;
    }
  } finally {
    // Nobody can go on with nothing, nor with what a server has to send anew.
    if (!isOfUse) await removePart(place);
  }
}

async function removePart({ map, part }: CachePlace): Promise<void> {
  await removeIfThere(map);
  await removeIfThere(part);
}

/**
 * Looks for damage where no hash is known: a GGUF file says how long it has to
 * be.
 */
async function findDamage(
  { path, part }: CachePlace,
  label: string,
): Promise<string | undefined> {
  if (!/\.gguf$/i.test(path)) return undefined;
  await using source = relabel(await openFile(part), label);
  try {
    await readGguf(source);
    return undefined;
  } catch (error) {
    // What only we cannot make use of is no damage.
    const isDamage = error instanceof SyntaxError ||
      error instanceof RangeError;
    return isDamage
      ? `what came is no whole GGUF file: ${error.message}`
      : undefined;
  }
}
