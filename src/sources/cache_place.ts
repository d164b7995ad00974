import { createHash } from "node:crypto";
import { join } from "node:path";
import { cacheFolder, environment } from "../system/environment.ts";

/** Bookkeeping of a folder's files lies in a folder of its own within. */
export const RECORDS_FOLDER = ".seraph";

/** Where a downloaded file and what belongs to it lie. */
export interface CachePlace {
  /** The folder of all files that lie beside it on the server. */
  folder: string;
  /** The file, once it is whole. */
  path: string;
  /** What is known of the file; without it, it counts as none. */
  record: string;
  /** The bytes that came so far. */
  part: string;
  /** Which of them are there. */
  map: string;
  /** Locked by whoever downloads the file. */
  lock: string;
}

/** What a file is called where it comes from. */
export interface CacheName {
  /** What people call what it belongs to: a folder of a server, a repository. */
  group: string;
  /** What that is, in full. */
  groupId: string;
  /** The file's name, with folders within the group before it. */
  name: string;
  /** What the file is in full where its name does not say all. */
  nameId?: string | undefined;
}

/**
 * The folder of downloaded models.
 *
 * @param cacheDir What the program asks for, if anything.
 * @returns Its path; `undefined` where the program may not know it.
 */
export function modelsFolder(cacheDir: string | undefined): string | undefined {
  if (cacheDir !== undefined) return cacheDir;
  const cache = cacheFolder();
  return cache === undefined ? undefined : join(cache, "models");
}

/** Why nobody knows the folder of downloaded models, and what is wanted. */
export function whyNoFolder(): string {
  const { state } = Deno.permissions.querySync({
    name: "env",
    variable: "HOME",
  });
  return state === "granted"
    ? "neither XDG_CACHE_HOME nor HOME tells where the cache folder is, " +
      "an absolute path is wanted"
    : "no permission to read where the cache folder is, " +
      "run Deno with --allow-env or give cacheDir";
}

/**
 * Whether only what the cache has may be taken.
 *
 * @param offline What the program asks for, if anything.
 */
export function isOffline(offline: boolean | undefined): boolean {
  if (offline !== undefined) return offline;
  return ["SERAPH_OFFLINE", "HF_HUB_OFFLINE"].some((name) => {
    const value = environment(name)?.toLowerCase();
    return value !== undefined && !["0", "false", "no", "off"].includes(value);
  });
}

/**
 * Finds the place of a file: one folder for each folder on a server, so that the
 * parts of a model lie beside each other under their own names.
 *
 * @param models The folder of downloaded models.
 * @param file The file.
 * @returns Its place, where nothing needs to be yet.
 */
export function placeOf(models: string, file: CacheName): CachePlace {
  const folders = file.name.split("/").slice(0, -1).map(portable);
  const folder = join(groupFolder(models, file), ...folders);
  const name = fileName(file);
  const records = join(folder, RECORDS_FOLDER);
  const recordOf = (suffix: string) => join(records, `${name}.${suffix}`);
  return {
    folder,
    path: join(folder, name),
    record: recordOf("json"),
    part: recordOf("part"),
    map: recordOf("map"),
    lock: recordOf("lock"),
  };
}

/** The folder of all files of a group. */
export function groupFolder(
  models: string,
  { group, groupId }: Pick<CacheName, "group" | "groupId">,
): string {
  return join(models, `${portable(group).slice(0, 100)}-${digest(groupId)}`);
}

function fileName({ name: path, nameId }: CacheName): string {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const plain = portable(name);
  if (plain === name && name.length <= 180 && nameId === undefined) return name;
  const dot = plain.lastIndexOf(".");
  const stem = dot > 0 ? plain.slice(0, dot) : plain;
  const extension = dot > 0 ? plain.slice(dot).slice(0, 20) : "";
  return `${stem.slice(0, 160)}-${digest(nameId ?? name)}${extension}`;
}

/** A name that every file system takes, and that hides nothing. */
function portable(name: string): string {
  const plain = name.replace(/[^\p{L}\p{N}._+=@-]+/gu, "_")
    .replace(/^\.+|\.+$/g, "_");
  const isDevice = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(plain);
  return isDevice || plain === "" ? `_${plain}` : plain;
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}
