import { environment } from "../system/environment.ts";

/** What a hub's name says: `hf:owner/repo[/path][:quant][@revision]`. */
export interface HubName {
  /** Who has the repository, and what it is called: `owner/repo`. */
  repo: string;
  /** A file or folder in it. */
  path: string | undefined;
  /** Which of its quantizations, such as `Q4_K_M`. */
  quant: string | undefined;
  /** Branch, tag or commit. */
  revision: string;
}

const DEFAULT_REVISION = "main";
const DEFAULT_ENDPOINT = "https://huggingface.co";

/** The hub that names are looked up at. */
export interface Hub {
  /** Its URL, without a slash at its end. */
  endpoint: string;
  /** What it is told, and nobody else, to see what is private. */
  token: string | undefined;
}

/**
 * The hub of the environment: `$HF_ENDPOINT`, or Hugging Face's own, and
 * `$HF_TOKEN`.
 *
 * @param given What is to be taken in place of the environment.
 * @returns The hub.
 * @throws {TypeError} If the first is no http(s) URL, or the second no token.
 */
export function hubOf(given?: Hub): Hub {
  if (given !== undefined) return given;
  const endpoint = environment("HF_ENDPOINT") ?? DEFAULT_ENDPOINT;
  const token = environment("HF_TOKEN")?.trim();
  const [wrong] = /[^\x21-\x7e]/u.exec(token ?? "") ?? [];
  if (wrong !== undefined) {
    throw new TypeError( // which shows no more of the token
      `Cannot use the hub: HF_TOKEN has the character ${
        JSON.stringify(wrong)
      }, ` +
        "visible ASCII characters are wanted",
    );
  }
  const url = URL.parse(endpoint);
  if (url !== null && /^https?:$/.test(url.protocol)) {
    return { endpoint: endpoint.replace(/\/+$/, ""), token };
  }
  throw new TypeError(
    `Cannot use the hub: HF_ENDPOINT is "${endpoint}", an http(s) URL is wanted`,
  );
}

/**
 * Reads a hub's name, or the URL of a page or file there.
 *
 * @param text What was given as a model.
 * @param hub The hub, if not that of the environment.
 * @returns What it says; `undefined` where it is none.
 * @throws {TypeError} If it begins as one and is none.
 */
export function parseHubName(text: string, hub?: Hub): HubName | undefined {
  if (!/^hf:/i.test(text)) return parseHubUrl(text, hub);
  const [, repo, path, quant, revision] =
    /^hf:(?:\/\/)?([\w.-]+\/[\w.-]+)(?:\/([^:@]+?))?\/?(?::([\w.-]+))?(?:@([^@:\s]+))?$/i
      .exec(text) ?? [];
  const isPath = path === undefined ||
    path.split("/").every((part) => !["", ".", ".."].includes(part));
  if (repo === undefined || !isPath || /(^|\/)\.\.?(\/|$)/.test(repo)) {
    throw new TypeError(
      `Cannot open model "${text}": it is no name on the hub, ` +
        "hf:owner/repo[/file][:quant][@revision] is wanted",
    );
  }
  return { repo, path, quant, revision: revision ?? DEFAULT_REVISION };
}

/** What people copy from a browser: pages of repositories, files and folders. */
function parseHubUrl(text: string, hub?: Hub): HubName | undefined {
  if (!/^https?:/i.test(text)) return undefined;
  const url = URL.parse(text);
  const endpoint = URL.parse(hubOf(hub).endpoint);
  if (url === null || url.origin !== endpoint?.origin) return undefined;
  const base = endpoint.pathname.replace(/\/+$/, "");
  if (!url.pathname.startsWith(`${base}/`)) return undefined;
  const parts = url.pathname.slice(base.length + 1).split("/")
    .filter((part) => part !== "").map(decode);
  const [owner, name, kind, revision, ...rest] = parts;
  // "datasets/…" and the like are no models, and "api/…" is for programs.
  const isRepo = owner !== undefined && name !== undefined &&
    !["api", "datasets", "spaces", "docs", "models"].includes(owner);
  if (!isRepo) return undefined;
  const repo = `${owner}/${name}`;
  const none = { path: undefined, quant: undefined };
  if (kind === undefined) return { ...none, repo, revision: DEFAULT_REVISION };
  if (!["blob", "resolve", "tree"].includes(kind)) return undefined;
  return {
    ...none,
    repo,
    path: rest.length === 0 ? undefined : rest.join("/"),
    revision: revision ?? DEFAULT_REVISION,
  };
}

/**
 * Writes a hub's name.
 *
 * @param name What it says.
 * @returns The name, as errors have it.
 */
export function formatHubName(
  { repo, path, quant, revision }: HubName,
): string {
  return `hf:${repo}` + (path === undefined ? "" : `/${path}`) +
    (quant === undefined ? "" : `:${quant}`) +
    (revision === DEFAULT_REVISION ? "" : `@${revision}`);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
