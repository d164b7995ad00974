import type { CacheName } from "./cache_place.ts";
import { downloadError } from "./errors.ts";
import type { Credentials } from "./http.ts";
import type { Target } from "./remote_facts.ts";

/** A file on a server, and what it is called in the cache. */
export interface WebFile {
  /** The file. */
  target: Target;
  /** Its place in the cache. */
  name: CacheName;
}

/**
 * Reads an `http(s):` URL.
 *
 * @param url The URL; a name and password in it go to its server only, and
 * neither they nor its query are told in errors.
 * @returns The file.
 * @throws {TypeError} If it names no file.
 */
export function webFile(url: URL): WebFile {
  const plain = new URL(url);
  plain.username = "";
  plain.password = "";
  plain.hash = "";
  const label = plain.origin + decode(plain.pathname);
  const slash = plain.pathname.lastIndexOf("/");
  const escaped = plain.pathname.slice(slash + 1);
  const name = decode(escaped).replaceAll("/", "_");
  if (name === "") {
    throw new TypeError(
      downloadError(label, "it is a folder, the URL of a file is wanted")
        .message,
    );
  }
  const folder = plain.origin + plain.pathname.slice(0, slash + 1);
  return {
    target: { label, url: plain, credentials: credentialsOf(url) },
    name: {
      group: folder.replace(/^https?:\/\//, ""),
      groupId: folder,
      name,
      // A query may choose another file, or merely sign the request: who knows.
      nameId: plain.search === "" && !/%2f/i.test(escaped)
        ? undefined
        : escaped + plain.search,
    },
  };
}

/**
 * What may be told of a text that was given as a URL: all but a name and password
 * in it.
 *
 * @param text The text, which need not be valid.
 */
export function withoutSecrets(text: string | URL): string {
  return String(text).replace(/^([a-z][a-z\d+.-]*:\/\/)[^/?#]*@/i, "$1");
}

function credentialsOf(
  { origin, username, password }: URL,
): Credentials | undefined {
  if (username === "" && password === "") return undefined;
  const bytes = new TextEncoder().encode(
    `${decode(username)}:${decode(password)}`,
  );
  return { origin, authorization: `Basic ${bytes.toBase64()}` };
}

function decode(text: string): string {
  try {
    const decoded = decodeURIComponent(text);
    // A terminal would do what control characters say.
    return /\p{C}/u.test(decoded) ? text : decoded;
  } catch {
    return text; // a percent sign that escapes nothing
  }
}
