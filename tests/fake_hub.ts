import { createHash } from "node:crypto";
import type { SourceOptions } from "../src/sources/context.ts";
import {
  HostileServer,
  type Reply,
  type SeenRequest,
} from "./hostile_server.ts";

/** Files of a repository by path. */
export type FakeRepo = Record<string, Uint8Array | string>;

/** Options for {@linkcode withHub}. */
export interface FakeHubOptions {
  /** The token that it wants, for private repositories. Defaults to none. */
  token?: string;
  /** Files on one page of a listing. Defaults to 1000. */
  pageSize?: number;
}

/** A hub on this machine, and the other server that large files come from. */
export interface FakeHub {
  /** Lists repositories, and redirects to the other one. */
  hub: HostileServer;
  /** Has the files. */
  cdn: HostileServer;
  /** A cache folder of its own. */
  cacheDir: string;
  /** What opens its models: this hub, that folder, and little patience. */
  options: SourceOptions;
}

/** SHA-256 in hex. */
export function sha256(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/**
 * Runs `fn` with a hub of its own.
 *
 * @param repos Its repositories by `owner/name@revision`, `@main` by default.
 * @param fn What uses it.
 * @param options What it wants.
 */
export async function withHub(
  repos: Record<string, FakeRepo>,
  fn: (fake: FakeHub) => Promise<void>,
  options: FakeHubOptions = {},
): Promise<void> {
  const cacheDir = await Deno.makeTempDir();
  await using hub = new HostileServer();
  await using cdn = new HostileServer();
  for (const content of Object.values(repos).flatMap(Object.values)) {
    const bytes = toBytes(content);
    const etag = `"${sha256(bytes).slice(0, 40)}"`;
    cdn.files.set(`/${sha256(bytes)}`, { bytes, etag });
  }
  hub.behave = (request) => answer(request, { repos, hub, cdn, options });
  const sourceOptions: SourceOptions = {
    cacheDir,
    hub: { endpoint: hub.origin, token: undefined },
    manners: { idleMs: 1000, retryMs: 1, attempts: 2 },
  };
  try {
    await fn({ hub, cdn, cacheDir, options: sourceOptions });
  } finally {
    await Deno.remove(cacheDir, { recursive: true });
  }
}

/** The name that a repository has in {@linkcode withHub}. */
function key(repo: string, revision: string): string {
  return revision === "main" ? repo : `${repo}@${revision}`;
}

function answer(
  { path, headers }: SeenRequest,
  { repos, hub, cdn, options: { token, pageSize = 1000 } }: {
    repos: Record<string, FakeRepo>;
    hub: HostileServer;
    cdn: HostileServer;
    options: FakeHubOptions;
  },
): Partial<Reply> {
  const url = new URL(path, hub.origin);
  const [, listed, listedRevision] =
    /^\/api\/models\/([^/]+\/[^/]+)\/tree\/([^/]+)$/.exec(url.pathname) ?? [];
  const [, repo, revision, file] =
    /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(url.pathname) ?? [];
  const wanted = repos[
    key(
      listed ?? repo ?? "",
      decodeURIComponent(listedRevision ?? revision ?? ""),
    )
  ];
  const isAllowed = token === undefined ||
    headers.get("authorization") === `Bearer ${token}`;
  if (wanted === undefined || !isAllowed) {
    return json(401, { error: "Repository not found" }, {
      "x-error-code": "RepoNotFound",
      "x-error-message": "Repository not found",
    });
  }
  if (listed !== undefined) {
    const from = Number(url.searchParams.get("cursor") ?? 0);
    const all = Object.entries(wanted).map(([path, content]) =>
      entry(path, toBytes(content))
    );
    url.searchParams.set("cursor", String(from + pageSize));
    const next = from + pageSize < all.length
      ? { link: `<${url}>; rel="next"` }
      : {};
    return json(200, all.slice(from, from + pageSize), next);
  }
  const content = wanted[decodeURIComponent(file ?? "")];
  if (content === undefined) {
    return json(404, {}, {
      "x-error-code": "EntryNotFound",
      "x-error-message": "Entry not found",
    });
  }
  const bytes = toBytes(content);
  return {
    status: 302,
    headers: {
      location: `${cdn.origin}/${sha256(bytes)}?sig=${hub.requests.length}`,
      "x-linked-size": String(bytes.length),
      "x-linked-etag": `"${sha256(bytes)}"`,
      "content-length": "0",
    },
    body: new Uint8Array(),
  };
}

/** What a listing says: large files have a SHA-256. */
function entry(path: string, bytes: Uint8Array) {
  const isLarge = !/\.(json|txt|md)$/.test(path);
  const lfs = { oid: sha256(bytes), size: bytes.length, pointerSize: 130 };
  return {
    type: "file",
    path,
    size: bytes.length,
    oid: "0".repeat(40),
    ...(isLarge && { lfs }),
  };
}

function json(
  status: number,
  value: unknown,
  headers: Record<string, string>,
): Partial<Reply> {
  const body = new TextEncoder().encode(JSON.stringify(value));
  const type = { "content-type": "application/json" };
  const length = { "content-length": String(body.length) };
  return { status, body, headers: { ...type, ...length, ...headers } };
}

function toBytes(content: Uint8Array | string): Uint8Array {
  return typeof content === "string"
    ? new TextEncoder().encode(content)
    : content;
}
