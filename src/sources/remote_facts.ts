import { downloadError, TransferError } from "./errors.ts";
import type { Answer, Credentials, RequestOptions } from "./http.ts";

/** A file on a server. */
export interface Target {
  /** What errors call it. */
  label: string;
  /** Where it is. */
  url: URL;
  /** Secrets for that server. */
  credentials?: Credentials | undefined;
  /** Says what a status of that server means, for errors. */
  explain?: RequestOptions["explain"];
  /** Bytes that it has to have, where that is known from elsewhere. */
  size?: number | undefined;
  /** SHA-256 that it has to have, in hex. */
  sha256?: string | undefined;
}

/** What a server says of a file. */
export interface RemoteFacts {
  /** Its bytes; `undefined` where it does not say. */
  size: number | undefined;
  /** Whether parts of it can be asked for. */
  ranges: boolean;
  /** Its version, as the server calls it. */
  etag: string | undefined;
  /** When it was changed. */
  lastModified: string | undefined;
  /** Its SHA-256, in hex, where that is known. */
  sha256: string | undefined;
}

/**
 * Reads what an answer says of a file.
 *
 * @param answer To a request for its first byte, or for all of it.
 * @param target The file.
 * @returns The facts; `undefined` if the answer makes no sense.
 * @throws {Error} If it is of another size than it has to be.
 */
export function factsOf(
  { response, redirectHeaders }: Answer,
  { label, size: wanted, sha256 }: Target,
): RemoteFacts | undefined {
  const { status, headers } = response;
  const range = contentRange(headers);
  const isEmpty = status === 416 && range.size === 0;
  const isRange = status === 206 && range.start === 0 &&
    range.size !== undefined && !isEncoded(headers);
  if (status !== 200 && !isRange && !isEmpty) return undefined;
  const length = headers.get("content-length");
  const size = isRange || isEmpty
    ? range.size
    : length === null || isEncoded(headers)
    ? undefined
    : countOf(length);
  if (wanted !== undefined && size !== undefined && size !== wanted) {
    throw downloadError(
      label,
      `the server has ${size} bytes of it, ${wanted} are wanted`,
    );
  }
  const linked = redirectHeaders.get("x-linked-etag") ??
    headers.get("x-linked-etag") ?? "";
  const [hash] = /\b[\da-f]{64}\b/.exec(linked) ?? [];
  return {
    size,
    ranges: isRange,
    etag: headers.get("etag") ?? undefined,
    lastModified: headers.get("last-modified") ?? undefined,
    sha256: sha256?.toLowerCase() ?? hash,
  };
}

/** What a `Content-Range` header says: `end` is behind the last byte. */
export function contentRange(
  headers: Headers,
): { start?: number; end?: number; size?: number | undefined } {
  const text = headers.get("content-range") ?? "";
  const [, start, last, size] =
    /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/i.exec(text.trim()) ?? [];
  return {
    ...(start !== undefined && { start: Number(start) }),
    ...(last !== undefined && { end: Number(last) + 1 }),
    ...(size !== undefined && { size: countOf(size) }),
  };
}

/** A number of bytes; `undefined` where it is none that a file can have. */
function countOf(text: string): number | undefined {
  const count = Number(text);
  return /^\d+$/.test(text) && Number.isSafeInteger(count) ? count : undefined;
}

/** Whether a body is not the file itself, but packed. */
export function isEncoded(headers: Headers): boolean {
  const encoding = headers.get("content-encoding") ?? "identity";
  return encoding.trim().toLowerCase() !== "identity";
}

/** The bytes of a file, whatever a server packs it in unasked. */
export async function* decode(
  answer: Answer,
  label: string,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const { headers } = answer.response;
  if (!isEncoded(headers)) {
    yield* answer.chunks();
    return;
  }
  const encoding = headers.get("content-encoding")!.trim().toLowerCase();
  if (encoding !== "gzip" && encoding !== "deflate") {
    throw downloadError(
      label,
      `the server sends it as "${encoding}", it is wanted as it is`,
    );
  }
  try {
    yield* ReadableStream.from(answer.chunks())
      .pipeThrough(new DecompressionStream(encoding));
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new TransferError(`its ${encoding} data is broken`, { cause });
  }
}
