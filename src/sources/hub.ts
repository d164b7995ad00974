import type { ListFileEntry } from "@huggingface/hub";
import { basename, dirname, join } from "node:path";
import { retry } from "./backoff.ts";
import { groupFolder, RECORDS_FOLDER } from "./cache_place.ts";
import { readRecord } from "./cache_record.ts";
import type { SourceContext } from "./context.ts";
import { downloadError, TransferError } from "./errors.ts";
import { type Credentials, request } from "./http.ts";
import { formatHubName, type Hub, type HubName } from "./hub_name.ts";
import { firstManners } from "./manners.ts";
import type { WebFile } from "./web_file.ts";

/** A repository of a model has some dozens; a listing may lead in circles. */
const MAX_FILES = 100_000;
const MAX_PAGE_BYTES = 16e6;

/** A file of a repository on the hub. */
export interface HubFile {
  /** Its path in the repository. */
  path: string;
  /** Its bytes. */
  size: number;
  /** Its SHA-256, in hex, where the hub gives one: it does for large files. */
  sha256?: string | undefined;
}

/**
 * Lists the files of a repository: those on the hub, or, offline or where the hub
 * cannot be reached, those in the cache.
 *
 * @param name The repository and revision.
 * @param context What the opening goes by.
 * @returns The files.
 * @throws {Error} If there is no such repository, or it may not be read.
 */
export async function listHub(
  name: HubName,
  context: SourceContext,
): Promise<HubFile[]> {
  const label = formatHubName(name);
  if (!context.offline) {
    try {
      return await listOnline(name, context);
    } catch (error) {
      const isDown = (error as Error).cause instanceof TransferError;
      const cached = isDown ? await listCached(name, context) : [];
      if (cached.length === 0) throw error;
      context.offline = true; // it need not be asked for each file
      return cached;
    }
  }
  const cached = await listCached(name, context);
  if (cached.length > 0) return cached;
  throw downloadError(
    label,
    "nothing of it is in the cache, and offline mode " +
      "(SERAPH_OFFLINE, HF_HUB_OFFLINE) allows no download",
  );
}

/**
 * Tells where a file of a repository is.
 *
 * @param name The repository and revision.
 * @param file The file.
 * @param hub The hub.
 * @returns What opens it.
 */
export function hubFile(name: HubName, file: HubFile, hub: Hub): WebFile {
  const { repo, revision } = name;
  const { path, size, sha256 } = file;
  const place = path.split("/").map(encodeURIComponent).join("/");
  return {
    target: {
      label: labelOf(name, path),
      url: new URL(
        `${hub.endpoint}/${repo}/resolve/${
          encodeURIComponent(revision)
        }/${place}`,
      ),
      credentials: credentialsOf(hub),
      explain: explainFor(repo, hub),
      size,
      sha256,
    },
    name: { ...groupOf(name, hub), name: path },
  };
}

function groupOf({ repo, revision }: HubName, { endpoint }: Hub) {
  const suffix = revision === "main" ? "" : `@${revision}`;
  return {
    group: repo.replace("/", "--") + suffix,
    groupId: `${endpoint}/${repo}@${revision}`,
  };
}

async function listOnline(
  name: HubName,
  { manners, hub, signal }: SourceContext,
): Promise<HubFile[]> {
  const { repo, revision } = name;
  const label = formatHubName(name);
  const { idleMs } = manners;
  const options = {
    label,
    credentials: credentialsOf(hub),
    explain: explainFor(repo, hub),
    signal,
    idleMs,
  };
  const asked = new Set<string>();
  // The library's own would send the token wherever a redirect leads to.
  const ask = async (input: RequestInfo | URL, init?: RequestInit) => {
    const url = new URL(String(input));
    if (asked.has(url.href)) throw new RangeError("its pages lead in circles");
    asked.add(url.href);
    return await retry(async () => {
      await using answer = await request(url, { ...options, init });
      const chunks = await collect(answer.chunks());
      const { status, headers } = answer.response;
      return new Response(new Blob(chunks), { status, headers });
    }, { ...firstManners(manners), label, signal });
  };
  const { listFiles } = await import("@huggingface/hub");
  const listing = listFiles({
    repo: { type: "model", name: repo },
    revision: encodeURIComponent(revision),
    hubUrl: hub.endpoint,
    recursive: true,
    fetch: ask,
  });
  try {
    return await readListing(listing);
  } catch (error) {
    signal?.throwIfAborted();
    const { message } = error as Error;
    // Which the engine's own begin with as well.
    throw message.startsWith(`Cannot download "${label}"`)
      ? error
      : downloadError(label, `its listing cannot be read: ${message}`, error);
  }
}

/** Reads a page of a listing. */
async function collect(
  body: AsyncIterable<Uint8Array<ArrayBuffer>>,
): Promise<Uint8Array<ArrayBuffer>[]> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_PAGE_BYTES) {
      throw new RangeError(`a page has more than ${MAX_PAGE_BYTES} bytes`);
    }
    chunks.push(chunk);
  }
  return chunks;
}

/** Takes of a listing what is well-formed, to its end if it has one. */
async function readListing(
  listing: AsyncIterable<ListFileEntry>,
): Promise<HubFile[]> {
  const files: HubFile[] = [];
  for await (const entry of listing) {
    if (typeof entry !== "object" || entry === null) {
      throw new TypeError(`${JSON.stringify(entry)} is no entry`);
    }
    const { type, path, size, lfs } = entry;
    if (type !== "file") continue;
    if (typeof path !== "string" || /\p{C}/u.test(path)) {
      throw new TypeError(`${JSON.stringify(path)} is no name of a file`);
    }
    if (files.length === MAX_FILES) {
      throw new RangeError(`it has more than ${MAX_FILES} files`);
    }
    const sha256 = lfs?.oid?.replace(/^sha256:/, "");
    files.push({ path, size: lfs?.size ?? size, sha256 });
  }
  return files;
}

/** The files of a repository in the cache. */
async function listCached(
  name: HubName,
  { models, hub }: SourceContext,
): Promise<HubFile[]> {
  if (models === undefined) return [];
  const folder = groupFolder(models, groupOf(name, hub));
  const [before, behind = ""] = labelOf(name, "\n").split("\n");
  const files: HubFile[] = [];
  for await (const path of cachedPaths(folder)) {
    const records = join(dirname(path), RECORDS_FOLDER);
    const record = join(records, `${basename(path)}.json`);
    const known = await readRecord({ path, record });
    if (!known?.label.startsWith(before!)) continue;
    // Not where it lies: systems do not take every name that the hub takes.
    const end = known.label.length - behind.length;
    const { label, size } = known;
    files.push({ path: label.slice(before!.length, end), size });
  }
  return files;
}

/** What a file of a repository is called in errors and records. */
function labelOf(name: HubName, path: string): string {
  return formatHubName({ ...name, path, quant: undefined });
}

async function* cachedPaths(folder: string): AsyncGenerator<string> {
  try {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      if (name === RECORDS_FOLDER) continue;
      const path = `${folder}/${name}`;
      if (isDirectory) yield* cachedPaths(path);
      else yield path;
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function credentialsOf({ endpoint, token }: Hub): Credentials | undefined {
  if (token === undefined) return undefined;
  const { origin } = new URL(endpoint);
  return { origin, authorization: `Bearer ${token}` };
}

/** What a status of the hub means for who asked for a repository. */
function explainFor(repo: string, { endpoint, token }: Hub) {
  const hasToken = token !== undefined;
  return (status: number, code: string): string => {
    if (code === "GatedRepo") {
      return `access has to be asked for at ${endpoint}/${repo}` +
        (hasToken ? "" : ", and HF_TOKEN to be set");
    }
    if (code === "RevisionNotFound") return "there is no such revision";
    if (code === "EntryNotFound") return "there is no such file";
    // The hub does not tell what is private from what is not there.
    if (![401, 403, 404].includes(status)) return "";
    return "there is no such repository, or it is private" +
      (hasToken ? " and HF_TOKEN has no access" : " and HF_TOKEN is not set");
  };
}
