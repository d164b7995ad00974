import type { KvType } from "../kernels/kv_cache.ts";
import { checkIds } from "../model/check_ids.ts";
import type { KvSnapshot } from "../model/kv_snapshot.ts";
import { checkScheme } from "../files/check_file.ts";
import { replaceFile } from "../files/replace_file.ts";
import { readParts, type SessionHeader, writeParts } from "./session_parts.ts";
import type { SessionState } from "./session_source.ts";

/** Options for what a session does besides generating. */
export interface SessionCallOptions {
  /** Stops it; nothing of it stays. */
  signal?: AbortSignal | undefined;
}

/** A session as it is saved. */
export interface SavedSession extends SessionState {
  /** Its KV cache, where it has one. */
  cache: KvSnapshot | undefined;
}

/**
 * Writes a session to a file, by way of another one beside it: a file of that
 * name stays as it is until the new one is whole.
 *
 * @param path The file.
 * @param session The session, and what it was computed with.
 * @param options Bytes of a cache of so many rows, and interruption.
 */
export async function writeSessionFile(
  path: string | URL,
  { cache, ...session }:
    & SavedSession
    & Pick<SessionHeader, "fingerprint" | "kv">,
  { kvBytes, signal }: SessionCallOptions & {
    kvBytes: (rows: number) => number;
  },
): Promise<void> {
  checkScheme(path, "save session to");
  const rows = sharedLength(session.ids, cache?.ids ?? []);
  const header: SessionHeader = {
    ...session,
    rows,
    promptRows: Math.min(rows, cache?.promptLength ?? 0),
    bytes: kvBytes(rows),
  };
  try {
    await replaceFile(path, writeParts(header, rowsOf(cache, rows)), {
      signal,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Error(
      `Cannot save session to "${path}": ${(error as Error).message}`,
      { cause: error },
    );
  }
}

/** What a session file must fit to be read. */
export interface ReadSessionOptions extends SessionCallOptions {
  /** The model's. */
  fingerprint: string;
  /** Element type of the model's KV cache. */
  kv: KvType;
  /** Bytes of a KV cache of so many rows. */
  kvBytes: (rows: number) => number;
  /** The model's layers. */
  layers: number;
  /** Positions that fit. */
  contextLength: number;
  /** Tokens of the vocabulary. */
  vocabularySize: number;
}

/**
 * Reads a session from a file and checks all of it.
 *
 * @param path The file.
 * @param options What it must fit.
 * @returns The session.
 */
export async function readSessionFile(
  path: string | URL,
  options: ReadSessionOptions,
): Promise<SavedSession> {
  checkScheme(path, "restore session from");
  const { signal, layers } = options;
  let parts: Awaited<ReturnType<typeof readParts>>;
  try {
    parts = await readParts(path, signal);
    checkFits(parts.header, options);
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new (classOf(cause))(
      `Cannot restore session from "${path}": ${(cause as Error).message}`,
      { cause },
    );
  }
  const { ids, promptLength, firstStep, samplerState } = parts.header;
  const { rows, promptRows, bytes } = parts.header;
  checkIds("restore session", ids, options.vocabularySize);
  const size = bytes / layers;
  const cache = {
    ids: ids.slice(0, rows),
    promptLength: promptRows,
    layers: Array.from({ length: layers }, (_, layer) => {
      return parts.cache.subarray(layer * size, (layer + 1) * size);
    }),
  };
  return {
    ...{ ids, promptLength, firstStep, samplerState },
    cache: rows > 0 ? cache : undefined,
  };
}

/** Checks that a session is of this model, and fits. */
function checkFits(
  header: SessionHeader,
  { fingerprint, kv, contextLength, kvBytes }: ReadSessionOptions,
): void {
  if (header.fingerprint !== fingerprint) {
    throw new Error(
      `it was saved with another model, RoPE scaling or activations, of fingerprint ${
        header.fingerprint.slice(0, 12)
      }, ${fingerprint.slice(0, 12)} is wanted`,
    );
  }
  if (header.kv !== kv) {
    throw new Error(
      `its KV cache is of type "${header.kv}", "${kv}" is wanted`,
    );
  }
  if (header.rows > contextLength) {
    throw new RangeError(
      `its KV cache has ${header.rows} positions, at most ${contextLength} fit into the context`,
    );
  }
  if (header.bytes !== kvBytes(header.rows)) {
    throw new SyntaxError("its KV cache has another shape");
  }
}

function classOf(
  error: unknown,
): new (message: string, options?: ErrorOptions) => Error {
  if (error instanceof SyntaxError) return SyntaxError;
  return error instanceof RangeError ? RangeError : Error;
}

/** The first rows of k, then of v, of each layer. */
function* rowsOf(
  cache: KvSnapshot | undefined,
  rows: number,
): Generator<Uint8Array> {
  if (cache === undefined || rows === 0) return;
  for (const layer of cache.layers) {
    const half = layer.length / 2;
    const bytes = half / cache.ids.length * rows;
    yield layer.subarray(0, bytes);
    yield layer.subarray(half, half + bytes);
  }
}

function sharedLength(a: readonly number[], b: readonly number[]): number {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) {
    length++;
  }
  return length;
}
