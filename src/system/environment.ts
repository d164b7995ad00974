import { isAbsolute } from "node:path";

/**
 * An environment variable, where the program may read it and it is not empty.
 * Asking for the permission would stop the program at a prompt.
 */
export function environment(variable: string): string | undefined {
  if (!("Deno" in globalThis)) return undefined;
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  return state === "granted" ? Deno.env.get(variable) || undefined : undefined;
}

/**
 * The folder of what can be made or fetched anew: `$XDG_CACHE_HOME/seraph`, or
 * `~/.cache/seraph`; on Windows `%LOCALAPPDATA%/seraph`. A relative
 * `$XDG_CACHE_HOME` is none, as its specification says: every folder would have
 * a cache of its own.
 *
 * @returns The path; `undefined` where the program may not know it, or nobody
 * says.
 */
export function cacheFolder(): string | undefined {
  const given = environment("XDG_CACHE_HOME");
  const cache =
    (given !== undefined && isAbsolute(given) ? given : undefined) ??
      join(environment("HOME"), ".cache") ?? environment("LOCALAPPDATA");
  return join(cache, "seraph");
}

function join(folder: string | undefined, name: string): string | undefined {
  return folder === undefined ? undefined : `${folder}/${name}`;
}
