import { retry } from "./backoff.ts";
import { ChangedError, downloadError, TransferError } from "./errors.ts";
import { type Answer, request } from "./http.ts";
import { firstManners, type Manners } from "./manners.ts";
import {
  contentRange,
  decode,
  factsOf,
  isEncoded,
  type RemoteFacts,
  type Target,
} from "./remote_facts.ts";

/** A file on a server that was asked about. */
export class Remote {
  readonly target: Target;
  readonly facts: RemoteFacts;
  readonly #manners: Manners;
  /** Where redirects led to, until that place fails. */
  #place: URL;

  private constructor(
    target: Target,
    facts: RemoteFacts,
    { manners, place }: { manners: Manners; place: URL },
  ) {
    this.target = target;
    this.facts = facts;
    this.#manners = manners;
    this.#place = place;
  }

  /**
   * Asks a server about a file, with a request for its first byte.
   *
   * @param target The file.
   * @param options How; `ranges: false` where ranges are not to be trusted.
   * @returns The file.
   * @throws {Error} If there is none, or the server is not to be reached.
   */
  static async probe(
    target: Target,
    { manners, signal, ranges = true }: {
      manners: Manners;
      signal?: AbortSignal | undefined;
      ranges?: boolean;
    },
  ): Promise<Remote> {
    const { label, credentials, explain } = target;
    const { idleMs } = manners;
    return await retry(async () => {
      const ask = (headers: HeadersInit) =>
        request(target.url, {
          label,
          credentials,
          explain,
          signal,
          idleMs,
          init: { headers },
        });
      if (ranges) {
        await using answer = await ask({ range: "bytes=0-0" });
        const facts = factsOf(answer, target);
        if (facts !== undefined) {
          return new Remote(target, facts, { manners, place: answer.url });
        }
      }
      // An answer to a range that makes no sense: what is it without?
      await using answer = await ask({});
      const facts = factsOf(answer, target);
      if (facts === undefined) {
        throw downloadError(
          label,
          `${answer.url.host} answers ${answer.response.status} to a request for all of it`,
        );
      }
      const whole = { ...facts, ranges: false };
      return new Remote(target, whole, { manners, place: answer.url });
    }, { ...firstManners(manners), label, signal });
  }

  /**
   * Reads a part of the file, which has to be the one that was asked about.
   *
   * @param start The first byte.
   * @param end Behind the last byte.
   * @param signal Stops it.
   * @returns These bytes as they come, or the first of them: some servers send
   * at most so many at once.
   * @throws {TransferError} If the connection breaks before.
   * @throws {ChangedError} If it is another file now.
   */
  async *readRange(
    start: number,
    end: number,
    signal?: AbortSignal,
  ): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const { etag, lastModified } = this.facts;
    const isStrong = etag !== undefined && !etag.startsWith("W/");
    const condition = isStrong ? etag : lastModified;
    await using answer = await this.#ask({
      range: `bytes=${start}-${end - 1}`,
      ...(condition !== undefined && { "if-range": condition }),
    }, signal);
    let left = this.#checkRange(answer, start, end) - start;
    for await (const chunk of answer.chunks()) {
      left -= chunk.length;
      if (left < 0) {
        throw new ChangedError("the server sends more than it was asked for", {
          ranges: false,
        });
      }
      yield chunk;
    }
    if (left > 0) throw new TransferError("the connection ended too early");
  }

  /**
   * Reads the whole file in one go.
   *
   * @param signal Stops it.
   * @returns Its bytes, as they come.
   * @throws {TransferError} If the connection breaks before.
   * @throws {ChangedError} If it is another file now.
   */
  async *readWhole(
    signal?: AbortSignal,
  ): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const { size } = this.facts;
    if (size === 0) return;
    await using answer = await this.#ask({}, signal);
    const facts = factsOf(answer, this.target);
    if (facts === undefined || facts.size !== size) {
      throw sizeError(facts?.size, size);
    }
    this.#checkVersion(answer, true);
    let count = 0;
    for await (const chunk of decode(answer, this.target.label)) {
      count += chunk.length;
      if (size !== undefined && count > size) {
        throw new ChangedError("the server sends more than it said");
      }
      yield chunk;
    }
    if (size !== undefined && count < size) {
      throw new TransferError("the connection ended too early");
    }
  }

  async #ask(
    headers: HeadersInit,
    signal: AbortSignal | undefined,
  ): Promise<Answer> {
    const { url } = this.target;
    const { idleMs } = this.#manners;
    const options = { ...this.target, signal, idleMs, init: { headers } };
    const isDirect = this.#place.href === url.href;
    try {
      const answer = await request(this.#place, options);
      this.#place = answer.url;
      return answer;
    } catch (cause) {
      if (isDirect || signal?.aborted) throw cause;
      // Places that redirects lead to expire: the next attempt asks anew.
      this.#place = url;
      if (cause instanceof TransferError) throw cause;
      throw new TransferError((cause as Error).message, { cause });
    }
  }

  /**
   * Checks that an answer is the range that was asked for, or the beginning of
   * it, and tells where that ends.
   */
  #checkRange(answer: Answer, start: number, end: number): number {
    const { status, headers } = answer.response;
    this.#checkVersion(answer, false);
    if (status === 200) {
      throw new ChangedError("the server sends all of it in place of a part", {
        ranges: false,
      });
    }
    const range = contentRange(headers);
    const { size } = this.facts;
    if (range.size !== undefined && range.size !== size) {
      throw sizeError(range.size, size);
    }
    if (status === 416) {
      throw new TransferError(
        `${answer.url.host} refuses bytes ${start} to ${end} of ${size}`,
      );
    }
    const length = Number(headers.get("content-length") ?? 0);
    const { start: first, end: last = 0 } = range;
    const isRight = first === start && start < last && last <= end &&
      length <= end - start && !isEncoded(headers);
    if (isRight) return last;
    throw new ChangedError(
      `the server sends "${headers.get("content-range")}" of ${length} bytes ` +
        `for bytes ${start} to ${end}`,
      { ranges: false },
    );
  }

  /**
   * Checks that an answer is of the version that was asked about. One without
   * bytes of use need not say, nor one where a hash tells in the end, nor does the
   * answer to a condition on a date have to repeat that.
   */
  #checkVersion({ response }: Answer, isWhole: boolean): void {
    const { etag, lastModified, sha256 } = this.facts;
    const { status, headers } = response;
    const isUsed = sha256 === undefined && (isWhole || status === 206);
    for (
      const [name, had, isWanted] of [
        ["etag", etag, isUsed],
        [
          "last-modified",
          lastModified,
          isUsed && isWhole && etag === undefined,
        ],
      ] as const
    ) {
      const has = headers.get(name);
      if (had === undefined || has === had) continue;
      if (has === null && !isWanted) continue;
      throw new ChangedError(`its ${name} is ${has} now and was ${had}`);
    }
  }
}

function sizeError(has: number | undefined, had: number | undefined) {
  const say = (size: number | undefined) => size ?? "an unknown number of";
  return new ChangedError(`it has ${say(has)} bytes now and had ${say(had)}`);
}
