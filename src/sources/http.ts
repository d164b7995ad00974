import { downloadError, reasonOf, TransferError } from "./errors.ts";
import { retryAfterMs } from "./backoff.ts";

const MAX_REDIRECTS = 10;
/** Statuses that may be another one at the next attempt. */
const RETRIED = [408, 425, 429, 500, 502, 503, 504];
/** Statuses that the caller wants to see. */
const EXPECTED = [200, 206, 416];

/** Who may see a secret. */
export interface Credentials {
  /** The only origin that it is sent to. */
  origin: string;
  /** Value of the `Authorization` header. */
  authorization: string;
}

/** Options for {@linkcode request}. */
export interface RequestOptions {
  /** What is asked for, as errors call it. */
  label: string;
  /** Method, headers and body. */
  init?: RequestInit | undefined;
  /** Secrets for the first server; no other one gets them. */
  credentials?: Credentials | undefined;
  /** Stops it. */
  signal?: AbortSignal | undefined;
  /** Longest silence of the server, in milliseconds. */
  idleMs: number;
  /** Says what a status and a code of the server mean, for the error. */
  explain?: ((status: number, code: string) => string) | undefined;
}

/** What a server answered. */
export interface Answer extends AsyncDisposable {
  /** Status and headers; its body is read by `chunks()`. */
  readonly response: Response;
  /** Where redirects led to. */
  readonly url: URL;
  /** The first of the redirects' headers of a name. */
  readonly redirectHeaders: Headers;
  /**
   * The body as it comes.
   *
   * @throws {TransferError} If the connection breaks.
   */
  chunks(): AsyncGenerator<Uint8Array<ArrayBuffer>>;
}

/**
 * Asks a server, following redirects.
 *
 * @param url What is asked for.
 * @param options How.
 * @returns The answer, to be disposed of: status 200, 206 or 416.
 * @throws {TransferError} If another attempt may succeed.
 * @throws {Error} If none will.
 */
export async function request(
  url: URL,
  options: RequestOptions,
): Promise<Answer> {
  const { label } = options;
  const redirectHeaders = new Headers();
  let at = url;
  for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
    const answer = await ask(at, { ...options, redirectHeaders });
    const { status, headers } = answer.response;
    const location = headers.get("location");
    if (status < 300 || status >= 400 || location === null) {
      if (EXPECTED.includes(status)) return answer;
      await using _ = answer;
      throw await statusError(answer, url, options);
    }
    await answer[Symbol.asyncDispose]();
    for (const [name, value] of headers) {
      if (!redirectHeaders.has(name)) redirectHeaders.set(name, value);
    }
    at = follow(at, location, label);
  }
  throw downloadError(label, `it redirects more than ${MAX_REDIRECTS} times`);
}

/** Where a redirect leads to. */
function follow(from: URL, location: string, label: string): URL {
  const to = URL.parse(location, from);
  if (to === null || !/^https?:$/.test(to.protocol)) {
    const place = to === null ? "no URL" : `"${to.protocol}"`;
    throw downloadError(label, `it redirects to ${place}, http(s) is wanted`);
  }
  if (from.protocol === "https:" && to.protocol === "http:") {
    throw downloadError(
      label,
      `it redirects from https to "${to.origin}", where anybody could read along`,
    );
  }
  return to;
}

/** One request without its redirects. */
async function ask(
  url: URL,
  { label, init, credentials, signal, idleMs, redirectHeaders }:
    & RequestOptions
    & { redirectHeaders: Headers },
): Promise<Answer> {
  const headers = new Headers(init?.headers);
  // Ranges are those of the file itself, and so is its length.
  headers.set("accept-encoding", "identity");
  if (credentials?.origin === url.origin) {
    headers.set("authorization", credentials.authorization);
  }
  const watch = new Watch(idleMs, signal);
  let response: Response;
  try {
    response = await fetch(url, {
      ...init,
      headers,
      redirect: "manual",
      signal: watch.signal,
    });
  } catch (error) {
    watch.stop();
    signal?.throwIfAborted();
    throw fetchError(error, { url, label, isIdle: watch.isIdle, idleMs });
  }
  watch.stop();
  return {
    response,
    url,
    redirectHeaders,
    chunks: () => chunksOf(response, watch, signal),
    async [Symbol.asyncDispose]() {
      watch.stop();
      // An answer that nobody reads would keep its connection.
      if (!response.bodyUsed) await response.body?.cancel().catch(() => {});
    },
  };
}

async function* chunksOf(
  response: Response,
  watch: Watch,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  try {
    while (true) {
      watch.start();
      const { value, done } = await reader.read();
      watch.stop(); // what the reader of the chunk takes is not the server's
      if (done) return;
      yield value;
    }
  } catch (cause) {
    signal?.throwIfAborted();
    throw new TransferError(
      watch.isIdle
        ? "the server says nothing any more"
        : "the connection broke",
      { cause },
    );
  } finally {
    watch.stop();
    await reader.cancel().catch(() => {});
  }
}

/** Aborts a request once the server was silent for long. */
class Watch {
  readonly #controller = new AbortController();
  readonly #idleMs: number;
  readonly signal: AbortSignal;
  isIdle = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(idleMs: number, signal: AbortSignal | undefined) {
    this.#idleMs = idleMs;
    const own = this.#controller.signal;
    this.signal = signal === undefined ? own : AbortSignal.any([own, signal]);
    this.start();
  }

  start(): void {
    this.stop();
    this.#timer = setTimeout(() => {
      this.isIdle = true;
      this.#controller.abort();
    }, this.#idleMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

/** What a fetch that never got an answer means. */
function fetchError(
  error: unknown,
  { url, label, isIdle, idleMs }: {
    url: URL;
    label: string;
    isIdle: boolean;
    idleMs: number;
  },
): Error {
  if (error instanceof Deno.errors.NotCapable) {
    return downloadError(label, reasonOf(error), error);
  }
  if (isIdle) {
    return new TransferError(
      `${url.host} does not answer within ${idleMs / 1000} seconds`,
      { cause: error },
    );
  }
  const text = error instanceof Error && error.cause instanceof Error
    ? error.cause.message
    : String(error);
  // Deno's text goes from the outside in, and names the URL with its query.
  const reason = text.split(": ").at(-1)!;
  const problem = `${url.host} cannot be reached: ${reason}`;
  return /certificate|blocked/i.test(text)
    ? downloadError(label, problem, error)
    : new TransferError(problem, { cause: error });
}

/** What a status that nobody wants means. */
async function statusError(
  { response, url, redirectHeaders }: Answer,
  asked: URL,
  { label, explain }: RequestOptions,
): Promise<Error> {
  const { status, headers } = response;
  const find = (name: string) =>
    headers.get(name) ?? redirectHeaders.get(name) ?? "";
  if (RETRIED.includes(status)) {
    return new TransferError(`${url.host} answers ${describe(response)}`, {
      waitMs: retryAfterMs(headers.get("retry-after")),
    });
  }
  const detail = printable(find("x-error-message")) ||
    await bodyText(response);
  const isOwn = url.origin === asked.origin;
  const hint = isOwn ? explain?.(status, find("x-error-code")) ?? "" : "";
  return downloadError(
    label,
    `${url.host} answers ${describe(response)}` +
      (detail && ` (${detail})`) + (hint && `: ${hint}`),
  );
}

function describe({ status, statusText }: Response): string {
  return statusText === "" ? `${status}` : `${status} ${statusText}`;
}

/** A short text that explains an error, where the server sends one. */
async function bodyText(response: Response): Promise<string> {
  const type = response.headers.get("content-type") ?? "";
  const length = Number(response.headers.get("content-length") ?? NaN);
  if (!type.startsWith("application/json") || !(length < 4096)) return "";
  try {
    const { error } = await response.json();
    return typeof error === "string" ? printable(error) : "";
  } catch {
    return "";
  }
}

/** The beginning of what a server says, in one line. */
function printable(text: string): string {
  return text.slice(0, 200).replace(/\p{C}+/gu, " ");
}
