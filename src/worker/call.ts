import type {
  LogitsContext,
  LogitsHook,
} from "../generate/samplers/options.ts";
import type { TokenChunk } from "../generate/tokens.ts";
import type { DownloadProgress } from "../sources/options.ts";
import { unpackError } from "./errors.ts";
import type {
  Work,
  WorkerReply,
  WorkerRequest,
  WorkResults,
} from "./messages.ts";

/** A message of a call to the worker, without its number. */
export type CallRequest = WorkerRequest extends infer R
  ? R extends WorkerRequest ? Omit<R, "call"> : never
  : never;

/** What of a call stays in this thread. */
export interface CallOptions {
  /** Stops the call. */
  signal?: AbortSignal | undefined;
  /** Called as the worker tells how far it is; what it throws, the call throws. */
  // deno-lint-ignore no-explicit-any -- one kind of work tells one kind of it
  onProgress?: ((progress: any) => void) | undefined;
  /** Called as the worker tells how far a download is; as `onProgress`. */
  onDownload?: ((progress: DownloadProgress) => void) | undefined;
  /** Changes logits; what it throws, the call throws. */
  onLogits?: LogitsHook | undefined;
}

/**
 * Work of a worker, seen from the other thread: what came of it waits here until
 * somebody takes it.
 */
export class Call<K extends Work["kind"]> implements AsyncDisposable {
  readonly #send: (request: CallRequest) => void;
  readonly #options: CallOptions;
  readonly #chunks: TokenChunk[] = [];
  readonly #over: PromiseWithResolvers<void> = Promise.withResolvers();
  #isOver = false;
  #value: WorkResults[K] | undefined;
  /** Why it failed: in the worker, or because this thread has stopped it. */
  #failure: { error: unknown } | undefined;
  #isStopped = false;
  #isRead = false;
  #wake = () => {};

  /**
   * Creates a {@linkcode Call} that is to be sent.
   *
   * @param send Sends a message of it.
   * @param options What stays here.
   */
  constructor(send: (request: CallRequest) => void, options: CallOptions) {
    this.#send = send;
    this.#options = options;
    options.signal?.addEventListener("abort", this.#abort);
  }

  /** Takes a reply. */
  receive(reply: WorkerReply): void {
    switch (reply.kind) {
      case "progress":
        this.#note(reply.progress, this.#options.onProgress);
        break;
      case "download":
        this.#note(reply.progress, this.#options.onDownload);
        break;
      case "logits":
        this.#hook(reply.logits, reply.context);
        break;
      case "chunk":
        this.#chunks.push(reply.chunk);
        this.#wake();
        break;
      case "end":
        this.#value = reply.value as WorkResults[K];
        this.#end();
        break;
      case "error":
        this.#failure ??= { error: unpackError(reply.error) };
        this.#end();
    }
  }

  /** Ends it from this side: the worker has nothing more to say. */
  fail(error: unknown): void {
    if (this.#isOver) return;
    this.#failure ??= { error };
    this.#chunks.length = 0;
    this.#end();
  }

  /**
   * Waits for the next chunk. The worker computes the one behind it then, and no
   * more before this is called again.
   *
   * @returns The chunk; `undefined` is the end of them.
   */
  async next(): Promise<TokenChunk | undefined> {
    if (this.#isRead && !this.#isOver) this.#send({ kind: "more" });
    this.#isRead = true;
    while (!this.#isOver && (this.#isStopped || this.#chunks.length === 0)) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const chunk = this.#isStopped ? undefined : this.#chunks.shift();
    if (chunk === undefined && this.#failure) throw this.#failure.error;
    return chunk;
  }

  /** Waits for the end. */
  async result(): Promise<WorkResults[K]> {
    await this.#over.promise;
    if (this.#failure) throw this.#failure.error;
    return this.#value!;
  }

  /** Stops it, and waits until the worker has let go of all that it took. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop();
    await this.#over.promise;
  }

  readonly #abort = () => {
    this.#failure ??= { error: this.#options.signal!.reason };
    this.#stop();
  };

  #note<P>(progress: P, onProgress?: (progress: P) => void): void {
    if (this.#isStopped) return;
    try {
      onProgress?.(progress);
    } catch (error) {
      this.#failure ??= { error };
      this.#stop();
    }
  }

  /** Runs the hook, and sends back what it leaves; never rejects. */
  async #hook(logits: Float32Array, context: LogitsContext): Promise<void> {
    if (this.#isStopped) return;
    try {
      await this.#options.onLogits!(logits, context);
      if (!this.#isOver) this.#send({ kind: "logits", logits });
    } catch (error) {
      this.#failure ??= { error };
      this.#stop();
    }
  }

  #stop(): void {
    if (this.#isOver || this.#isStopped) return;
    this.#isStopped = true;
    this.#send({ kind: "stop" });
  }

  #end(): void {
    this.#isOver = true;
    this.#options.signal?.removeEventListener("abort", this.#abort);
    this.#over.resolve();
    this.#wake();
  }
}
