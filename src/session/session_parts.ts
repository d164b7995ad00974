import { createHash } from "node:crypto";
import type { KvType } from "../kernels/kv_cache.ts";
import { checkRegular } from "../files/check_file.ts";
import type { SessionState } from "./session_source.ts";

// A session file, all numbers little-endian:
//
//   "SERAPHKV"      8 bytes
//   version         u32
//   header length   u32
//   header          JSON, see SessionHeader
//   KV cache        of each layer the rows of k, then of v, as the GPU has them
//   checksum        SHA-256 of all before it

const MAGIC = new TextEncoder().encode("SERAPHKV");
const VERSION = 1;
const PREFIX_BYTES = MAGIC.length + 8;
const CHECKSUM_BYTES = 32;
/** Room for some ten million tokens. */
const MAX_HEADER_BYTES = 2 ** 26;
/** Bytes that are read before an interruption is looked for. */
const READ_BYTES = 2 ** 24;

/** What stands before the KV cache. */
export interface SessionHeader extends SessionState {
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
 * Puts a session file together.
 *
 * @param header What stands before the KV cache.
 * @param cache The KV cache, in pieces.
 * @returns The file, in pieces.
 * @throws {RangeError} If the header is longer than is read again.
 */
export function* writeParts(
  header: SessionHeader,
  cache: Iterable<Uint8Array>,
): Generator<Uint8Array> {
  const text = new TextEncoder().encode(JSON.stringify(header));
  checkHeaderBytes(text.length);
  const prefix = new Uint8Array(PREFIX_BYTES);
  prefix.set(MAGIC);
  const view = new DataView(prefix.buffer);
  view.setUint32(MAGIC.length, VERSION, true);
  view.setUint32(MAGIC.length + 4, text.length, true);
  const hash = createHash("sha256");
  for (const parts of [[prefix, text], cache]) {
    for (const part of parts) {
      hash.update(part);
      yield part;
    }
  }
  yield hash.digest();
}

/**
 * Reads a session file. What is none is known by its first bytes, and no more
 * is read of it; its checksum is compared before any of it is believed.
 *
 * @param path The file.
 * @param signal Stops it.
 * @returns The header, and the KV cache.
 * @throws {SyntaxError} If it is damaged, or none of a session.
 * @throws {RangeError} If it is cut short, or its header is too long.
 * @throws {Error} If it is of another version, or cannot be read.
 */
export async function readParts(
  path: string | URL,
  signal?: AbortSignal | undefined,
): Promise<{ header: SessionHeader; cache: Uint8Array<ArrayBuffer> }> {
  // Looked at before it is opened, as opening a named pipe would wait.
  checkRegular(await Deno.stat(path));
  using file = await Deno.open(path);
  const { size } = await file.stat();

  const prefix = await read(file, Math.min(size, PREFIX_BYTES), signal);
  if (MAGIC.some((byte, i) => prefix[i] !== byte)) {
    throw new SyntaxError("it is no session file");
  }
  checkSize(size, PREFIX_BYTES);
  const view = new DataView(prefix.buffer);
  const version = view.getUint32(MAGIC.length, true);
  if (version !== VERSION) {
    throw new Error(`its version is ${version}, ${VERSION} is wanted`);
  }
  const headerBytes = view.getUint32(MAGIC.length + 4, true);
  checkHeaderBytes(headerBytes);
  const rest = PREFIX_BYTES + headerBytes + CHECKSUM_BYTES;
  checkSize(size, rest);

  const text = await read(file, headerBytes, signal);
  const header = parseHeader(text);
  if (header === undefined) throw new SyntaxError("its header is damaged");
  checkSize(size, rest + header.bytes);
  if (size > rest + header.bytes) {
    throw new SyntaxError(
      `it is damaged, it has ${size} bytes, ${rest + header.bytes} are wanted`,
    );
  }

  const cache = await read(file, header.bytes, signal);
  const written = await read(file, CHECKSUM_BYTES, signal);
  const hash = createHash("sha256").update(prefix).update(text).update(cache);
  const checksum = hash.digest();
  if (checksum.some((byte, i) => written[i] !== byte)) {
    throw new SyntaxError("it is damaged, its checksum is another one");
  }
  return { header, cache };
}

function checkHeaderBytes(bytes: number): void {
  if (bytes <= MAX_HEADER_BYTES) return;
  throw new RangeError(
    `its header has ${bytes} bytes, at most ${MAX_HEADER_BYTES} are wanted`,
  );
}

function checkSize(size: number, wanted: number): void {
  if (size >= wanted) return;
  throw new RangeError(
    `it is cut short, ${size} of ${wanted} bytes are there`,
  );
}

/** The next bytes of a file, all of which are to be there. */
async function read(
  file: Deno.FsFile,
  length: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length;) {
    signal?.throwIfAborted();
    const count = await file.read(bytes.subarray(done, done + READ_BYTES));
    if (count === null) {
      throw new RangeError("it is cut short, it was cut while it was read");
    }
    done += count;
  }
  signal?.throwIfAborted();
  return bytes;
}

/** A header that makes sense, or else nothing. */
function parseHeader(bytes: Uint8Array): SessionHeader | undefined {
  let header: Partial<SessionHeader>;
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
  return isGood ? header as SessionHeader : undefined;
}

function isSamplerState(state: unknown): boolean {
  if (state === undefined) return true;
  if (typeof state !== "object" || state === null) return false;
  const { mu } = state as { mu?: unknown };
  return mu === undefined || Number.isFinite(mu);
}
