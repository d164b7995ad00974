import { createHash } from "node:crypto";
import type { KvType } from "../kernels/kv_cache.ts";
import { checkIds } from "../model/check_ids.ts";
import type { KvSnapshot } from "../model/kv_snapshot.ts";
import { checkScheme, replaceFile } from "./replace_file.ts";
import type { SessionState } from "./session_source.ts";

// A session file, all numbers little-endian:
//
//   "SERAPHKV"      8 bytes
//   version         u32
//   header length   u32
//   header          JSON, see Header
//   KV cache        of each layer the rows of k, then of v, as the GPU has them
//   checksum        SHA-256 of all before it

const MAGIC = new TextEncoder().encode("SERAPHKV");
const VERSION = 1;
const PREFIX_BYTES = MAGIC.length + 8;
const CHECKSUM_BYTES = 32;

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

interface Header extends SessionState {
  /** Of the model; see `FingerprintedSource`. */
  fingerprint: string;
  /** Element type of the KV cache. */
  kv: KvType;
  /** Rows of the KV cache, whose tokens `ids` begins with. */
  rows: number;
  /** Of those, rows that ran as a prompt. */
  promptRows: number;
  /** Bytes of the KV cache. */
  bytes: number;
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
    & Pick<Header, "fingerprint" | "kv">,
  { kvBytes, signal }: SessionCallOptions & {
    kvBytes: (rows: number) => number;
  },
): Promise<void> {
  checkScheme(path, "save session to");
  const rows = sharedLength(session.ids, cache?.ids ?? []);
  const header: Header = {
    ...session,
    rows,
    promptRows: Math.min(rows, cache?.promptLength ?? 0),
    bytes: kvBytes(rows),
  };
  const parts = [
    ...prefixOf(new TextEncoder().encode(JSON.stringify(header))),
    ...rowsOf(cache, rows),
  ];
  try {
    await replaceFile(path, withChecksum(parts), { signal });
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
  const { signal } = options;
  const fail = (
    problem: string,
    ErrorClass: new (message: string, options?: ErrorOptions) => Error = Error,
    cause?: unknown,
  ) =>
    new ErrorClass(`Cannot restore session from "${path}": ${problem}`, {
      cause,
    });
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = await Deno.readFile(path, signal === undefined ? {} : { signal });
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw fail((cause as Error).message, Error, cause);
  }
  const view = new DataView(bytes.buffer);
  if (MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw fail("it is no session file", SyntaxError);
  }
  const cut = (wanted: number) =>
    fail(
      `it is cut short, ${bytes.length} of ${wanted} bytes are there`,
      RangeError,
    );
  if (bytes.length < PREFIX_BYTES) throw cut(PREFIX_BYTES);
  const version = view.getUint32(MAGIC.length, true);
  if (version !== VERSION) {
    throw fail(`its version is ${version}, ${VERSION} is wanted`);
  }
  const start = PREFIX_BYTES + view.getUint32(MAGIC.length + 4, true);
  if (bytes.length < start + CHECKSUM_BYTES) throw cut(start + CHECKSUM_BYTES);
  const header = readHeader(bytes.subarray(PREFIX_BYTES, start));
  if (header === undefined) throw fail("its header is damaged", SyntaxError);
  const end = start + header.bytes;
  if (bytes.length < end + CHECKSUM_BYTES) throw cut(end + CHECKSUM_BYTES);
  const checksum = createHash("sha256").update(bytes.subarray(0, end)).digest();
  const written = bytes.subarray(end);
  if (
    written.length !== CHECKSUM_BYTES ||
    checksum.some((byte, i) => written[i] !== byte)
  ) {
    throw fail("it is damaged, its checksum is another one", SyntaxError);
  }
  const { ids, promptLength, firstStep, samplerState } = header;
  const { rows, promptRows } = header;
  const { fingerprint, kv, contextLength, layers } = options;
  if (header.fingerprint !== fingerprint) {
    throw fail(
      `it was saved with another model or RoPE scaling, of fingerprint ${
        header.fingerprint.slice(0, 12)
      }, ${fingerprint.slice(0, 12)} is wanted`,
    );
  }
  if (header.kv !== kv) {
    throw fail(`its KV cache is of type "${header.kv}", "${kv}" is wanted`);
  }
  if (rows > contextLength) {
    throw fail(
      `its KV cache has ${rows} positions, at most ${contextLength} fit into the context`,
      RangeError,
    );
  }
  if (header.bytes !== options.kvBytes(rows)) {
    throw fail("its KV cache has another shape", SyntaxError);
  }
  checkIds("restore session", ids, options.vocabularySize);
  const size = header.bytes / layers;
  const cache = {
    ids: ids.slice(0, rows),
    promptLength: promptRows,
    layers: Array.from({ length: layers }, (_, layer) => {
      const at = start + layer * size;
      return bytes.subarray(at, at + size);
    }),
  };
  return {
    ...{ ids, promptLength, firstStep, samplerState },
    cache: rows > 0 ? cache : undefined,
  };
}

function* prefixOf(header: Uint8Array): Generator<Uint8Array> {
  const prefix = new Uint8Array(PREFIX_BYTES);
  prefix.set(MAGIC);
  const view = new DataView(prefix.buffer);
  view.setUint32(MAGIC.length, VERSION, true);
  view.setUint32(MAGIC.length + 4, header.length, true);
  yield prefix;
  yield header;
}

/** Parts, and behind them their SHA-256. */
function* withChecksum(parts: Iterable<Uint8Array>): Generator<Uint8Array> {
  const hash = createHash("sha256");
  for (const part of parts) {
    hash.update(part);
    yield part;
  }
  yield hash.digest();
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

/** A header that makes sense, or else nothing. */
function readHeader(bytes: Uint8Array): Header | undefined {
  let header: Partial<Header>;
  try {
    header = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
  const isCount = (value: unknown, most = Infinity) =>
    Number.isSafeInteger(value) && value as number >= 0 &&
    value as number <= most;
  const isGood = typeof header === "object" && header !== null &&
    Array.isArray(header.ids) && header.ids.every((id) => isCount(id)) &&
    isCount(header.promptLength, header.ids.length) &&
    isCount(header.firstStep) &&
    isSamplerState(header.samplerState) &&
    isCount(header.rows, header.ids.length) &&
    isCount(header.promptRows, header.rows) &&
    isCount(header.bytes) &&
    typeof header.fingerprint === "string" && typeof header.kv === "string";
  return isGood ? header as Header : undefined;
}

function isSamplerState(state: unknown): boolean {
  if (state === undefined) return true;
  if (typeof state !== "object" || state === null) return false;
  const { mu } = state as { mu?: unknown };
  return mu === undefined || Number.isFinite(mu);
}

function sharedLength(a: readonly number[], b: readonly number[]): number {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) {
    length++;
  }
  return length;
}
