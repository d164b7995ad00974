/** A request that a server has seen. */
export interface SeenRequest {
  /** Which it is, from 0 on. */
  number: number;
  /** Method, such as `GET`. */
  method: string;
  /** Path with query. */
  path: string;
  /** Headers. */
  headers: Headers;
  /** The range that is asked for: its first byte, and the one behind the last. */
  range: [start: number, end: number] | undefined;
}

/** What a server answers. */
export interface Reply {
  /** Status. */
  status: number;
  /** Headers; one that is `undefined` is left out. */
  headers: Record<string, string | undefined>;
  /** Body. */
  body: Uint8Array;
  /** The connection is dropped behind so many bytes of the body. */
  dropAfter?: number;
  /** Waits before it answers at all, in milliseconds. */
  headDelayMs?: number;
  /** Waits before each piece of the body, in milliseconds. */
  delayMs?: number;
  /** Bytes of such a piece. Defaults to 64 KiB. */
  pieceBytes?: number;
}

/** A file on a server. */
export interface ServedFile {
  /** What is in it. */
  bytes: Uint8Array;
  /** Its version. Defaults to `"v1"` in quotes. */
  etag?: string | undefined;
}

/** Changes a right answer into another one, or does not. */
export type Behave = (
  request: SeenRequest,
  reply: Reply,
) => Partial<Reply> | undefined | void;

/** A web server on this machine that does as it is told, also what is wrong. */
export class HostileServer implements AsyncDisposable {
  /** The requests so far. */
  readonly requests: SeenRequest[] = [];
  /** Files by path. */
  readonly files = new Map<string, ServedFile>();
  /** Bytes of bodies that were sent. */
  sentBytes = 0;
  /** How it misbehaves. */
  behave: Behave = () => {};
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Deno.Conn>();
  readonly #served: Promise<void>;
  #isClosed = false;

  /** Starts a server that has some files, by path. */
  constructor(files: Record<string, Uint8Array | ServedFile> = {}) {
    for (const [path, file] of Object.entries(files)) {
      this.files.set(path, file instanceof Uint8Array ? { bytes: file } : file);
    }
    this.#served = this.#serve();
  }

  /** Its origin, such as `http://127.0.0.1:1234`. */
  get origin(): string {
    const { port } = this.#listener.addr as Deno.NetAddr;
    return `http://127.0.0.1:${port}`;
  }

  /** The URL of a path. */
  url(path: string): URL {
    return new URL(path, this.origin);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isClosed) this.#listener.close();
    this.#isClosed = true;
    for (const connection of this.#open) close(connection);
    await this.#served;
  }

  async #serve(): Promise<void> {
    const answers: Promise<void>[] = [];
    try {
      for await (const connection of this.#listener) {
        this.#open.add(connection);
        answers.push(
          this.#answer(connection).catch(() => {}).finally(() => {
            close(connection);
            this.#open.delete(connection);
          }),
        );
      }
    } catch {
      // It was closed.
    }
    await Promise.all(answers);
  }

  /** Answers one request of a connection, and closes it. */
  async #answer(connection: Deno.Conn): Promise<void> {
    const request = await this.#readRequest(connection);
    if (request === undefined) return;
    const right = this.#rightReply(request);
    const reply = { ...right, ...this.behave(request, right) };
    const { status, headers, body, dropAfter = Infinity } = reply;
    const lines = Object.entries({ connection: "close", ...headers })
      .flatMap(([name, value]) =>
        value === undefined ? [] : [
          `${name}: ${value}\r\n`,
        ]
      );
    const head = `HTTP/1.1 ${status} Status\r\n${lines.join("")}\r\n`;
    const { pieceBytes = 65536, delayMs = 0, headDelayMs = 0 } = reply;
    if (headDelayMs > 0) await pause(headDelayMs);
    await writeAll(connection, new TextEncoder().encode(head));
    const end = Math.min(body.length, dropAfter);
    for (let at = 0; at < end; at += pieceBytes) {
      if (delayMs > 0) await pause(delayMs);
      const piece = body.subarray(at, Math.min(end, at + pieceBytes));
      await writeAll(connection, piece);
      this.sentBytes += piece.length;
    }
  }

  async #readRequest(connection: Deno.Conn): Promise<SeenRequest | undefined> {
    let text = "";
    const chunk = new Uint8Array(4096);
    while (!text.includes("\r\n\r\n")) {
      const count = await connection.read(chunk);
      if (count === null) return undefined;
      text += new TextDecoder().decode(chunk.subarray(0, count));
    }
    const [first = "", ...lines] = text.split("\r\n\r\n")[0]!.split("\r\n");
    const [method = "", path = ""] = first.split(" ");
    const headers = new Headers(
      lines.map((line) => {
        const colon = line.indexOf(":");
        return [line.slice(0, colon), line.slice(colon + 1).trim()];
      }),
    );
    const [, start, last] = /^bytes=(\d+)-(\d+)$/
      .exec(headers.get("range") ?? "") ?? [];
    const range: SeenRequest["range"] = start === undefined
      ? undefined
      : [Number(start), Number(last) + 1];
    const number = this.requests.length;
    const request = { number, method, path, headers, range };
    this.requests.push(request);
    return request;
  }

  /** What a server without fault answers. */
  #rightReply({ path, range, headers }: SeenRequest): Reply {
    const file = this.files.get(path) ?? this.files.get(path.split("?")[0]!);
    if (file === undefined) {
      return {
        status: 404,
        headers: { "content-length": "0" },
        body: new Uint8Array(),
      };
    }
    const { bytes, etag = '"v1"' } = file;
    const all = bytes.length;
    const common = { etag, "accept-ranges": "bytes" };
    const condition = headers.get("if-range");
    const isSame = condition === null || condition === etag;
    if (range === undefined || !isSame) {
      const length = { "content-length": String(all) };
      return { status: 200, headers: { ...common, ...length }, body: bytes };
    }
    const body = bytes.subarray(range[0], range[1]);
    const [status, content] = range[0] < all
      ? [206, `bytes ${range[0]}-${range[0] + body.length - 1}/${all}`]
      : [416, `bytes */${all}`];
    return {
      status: status as number,
      headers: {
        ...common,
        "content-length": String(body.length),
        "content-range": content as string,
      },
      body,
    };
  }
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array) {
  for (let done = 0; done < bytes.length;) {
    done += await connection.write(bytes.subarray(done));
  }
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It is closed.
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
