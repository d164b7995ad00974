import { isOffline, modelsFolder } from "./cache_place.ts";
import { type Hub, hubOf } from "./hub_name.ts";
import { MANNERS, type Manners } from "./manners.ts";
import { Meter } from "./meter.ts";
import type { DownloadModelOptions } from "./options.ts";

/** Options, and what only tests want otherwise. */
export interface SourceOptions extends DownloadModelOptions {
  /** Defaults to `MANNERS`. */
  manners?: Partial<Manners> | undefined;
  /** Defaults to that of the environment, which all tests share. */
  hub?: Hub | undefined;
}

/** What the opening of one model goes by. */
export interface SourceContext {
  /** The folder of downloaded models; `undefined` where that is not known. */
  models: string | undefined;
  /** Whether only what is there may be taken. */
  offline: boolean;
  /** SHA-256 that the program wants, in hex. */
  sha256: string | undefined;
  /** How servers are treated. */
  manners: Manners;
  /** The hub that names are looked up at. */
  hub: Hub;
  /** Counts the bytes of all of its files. */
  meter: Meter;
  /** Stops it. */
  signal: AbortSignal | undefined;
}

/**
 * Fills in the defaults of options.
 *
 * @param label What is opened, as errors call it.
 * @param options What was asked for.
 * @returns What the opening goes by.
 * @throws {TypeError} If `sha256` is none.
 */
export function contextOf(
  label: string,
  options: SourceOptions,
): SourceContext {
  const { cacheDir, offline, sha256, onProgress, signal } = options;
  if (sha256 !== undefined && !/^[\da-f]{64}$/i.test(sha256)) {
    throw new TypeError(
      `Cannot open "${label}": sha256 is "${sha256}", 64 hex digits are wanted`,
    );
  }
  return {
    models: modelsFolder(cacheDir),
    offline: isOffline(offline),
    sha256: sha256?.toLowerCase(),
    manners: { ...MANNERS, ...options.manners },
    hub: hubOf(options.hub),
    meter: new Meter({ label, onProgress }),
    signal,
  };
}
