import type { GpuEngine } from "../engine/gpu_engine.ts";
import { loadEngine } from "../engine/load.ts";
import type { KvSnapshot } from "../model/kv_snapshot.ts";
import type { LogitsHook } from "../generate/samplers/options.ts";
import type { TokenOptions } from "../generate/tokens.ts";
import type { PromptProgress } from "../model/prompts.ts";
import type { LoadProgress } from "../model/upload.ts";
import type { DownloadProgress } from "../sources/options.ts";
import { packError } from "./errors.ts";
import type {
  EngineFacts,
  Work,
  WorkerReply,
  WorkerRequest,
} from "./messages.ts";
import { unpackInput } from "./send.ts";

/** A reply without what the host adds. */
type Answer = WorkerReply extends infer R
  ? R extends WorkerReply ? Omit<R, "call" | "gpuBytes"> : never
  : never;

/** A call under way. */
class Running {
  readonly #controller = new AbortController();
  /** What the hook of the other thread is to give back. */
  #logits: PromiseWithResolvers<Float32Array> | undefined;
  /** Chunks that its reader has asked for, and those that it was sent. */
  #wanted = 1;
  #sent = 0;
  #wake = () => {};

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Its reader asks for one chunk more. */
  more(): void {
    this.#wanted++;
    this.#wake();
  }

  /** It is to end. */
  stop(): void {
    this.#controller.abort();
    this.#wake();
    this.#logits?.reject(this.signal.reason);
  }

  /** Waits for the logits that the hook gives back. */
  hooked(): Promise<Float32Array> {
    this.signal.throwIfAborted();
    this.#logits = Promise.withResolvers();
    return this.#logits.promise;
  }

  /** The hook gives logits back. */
  giveBack(logits: Float32Array): void {
    this.#logits?.resolve(logits);
  }

  /**
   * Waits, behind a chunk, until another one may be computed: one may be ahead of
   * what the reader has asked for, so that the GPU need not wait for it.
   */
  async sent(): Promise<void> {
    this.#sent++;
    while (this.#sent > this.#wanted && !this.signal.aborted) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }
}

/** The worker's end: runs the engine for another thread. */
export class EngineHost {
  readonly #post: (reply: WorkerReply) => void;
  readonly #running = new Map<number, Running>();
  #engine: GpuEngine | undefined;

  /**
   * Creates an {@linkcode EngineHost}.
   *
   * @param post Sends a reply.
   */
  constructor(post: (reply: WorkerReply) => void) {
    this.#post = post;
  }

  /** Takes a message. */
  receive(request: WorkerRequest): void {
    const { call, kind } = request;
    if (kind === "start") this.#start(call, request.work);
    // The call may be over by now.
    else if (kind === "more") this.#running.get(call)?.more();
    else if (kind === "logits") {
      this.#running.get(call)?.giveBack(request.logits);
    } else this.#running.get(call)?.stop();
  }

  /** Runs a call, and tells what came of it; never rejects. */
  async #start(call: number, work: Work): Promise<void> {
    const running = new Running();
    this.#running.set(call, running);
    const reply = (answer: Answer) => {
      const gpuBytes = this.#engine?.gpuBytes ?? 0;
      this.#post({ call, gpuBytes, ...answer });
    };
    try {
      const value = await this.#run(work, running, reply);
      reply({ kind: "end", value });
    } catch (error) {
      reply({ kind: "error", error: packError(error) });
    } finally {
      this.#running.delete(call);
    }
  }

  async #run(
    work: Work,
    running: Running,
    reply: (answer: Answer) => void,
  ): Promise<(WorkerReply & { kind: "end" })["value"]> {
    const { signal } = running;
    const onProgress = (progress: LoadProgress | PromptProgress) =>
      reply({ kind: "progress", progress });
    if (work.kind === "load") {
      const onDownload = (progress: DownloadProgress) =>
        reply({ kind: "download", progress });
      return await this.#load(work, { signal, onProgress, onDownload });
    }
    const engine = this.#engine;
    if (engine === undefined) throw new Error("There is no model to run");
    if (work.kind === "score") {
      return await engine.score(work.ids, { ...work.options, signal });
    }
    if (work.kind === "scoreContinuations") {
      const { prefix, continuations } = work;
      const options = { ...work.options, signal };
      return await engine.scoreContinuations(prefix, continuations, options);
    }
    if (work.kind === "generate") {
      // The hook is a function: it stays in its thread, and logits go there.
      const onLogits: LogitsHook = async (logits, context) => {
        reply({ kind: "logits", logits, context });
        logits.set(await running.hooked());
      };
      const options: TokenOptions = {
        ...work.options,
        signal,
        onPrompt: onProgress,
        ...(work.isHooked && { onLogits }),
      };
      for await (const chunk of engine.generate(work.ids, options)) {
        reply({ kind: "chunk", chunk });
        await running.sent();
        if (signal.aborted) break;
      }
      return undefined;
    }
    return await runOnce(engine, work);
  }

  async #load(
    { input, draft, options, download }: Work & { kind: "load" },
    { onDownload, ...rest }: {
      signal: AbortSignal;
      onProgress: (progress: LoadProgress) => void;
      onDownload: (progress: DownloadProgress) => void;
    },
  ): Promise<EngineFacts> {
    const { engine } = await loadEngine(unpackInput(input), {
      ...options,
      ...rest,
      draft: draft && unpackInput(draft),
      download: { ...download, onProgress: onDownload },
    });
    this.#engine = engine;
    const { config, contextLength, device, kernels, hasDraft } = engine;
    const { fingerprint, kv, plan } = engine;
    const facts = { config, contextLength, device, kernels, hasDraft };
    return { ...facts, fingerprint, kv, plan };
  }
}

/** Work that is not stopped. */
async function runOnce(
  engine: GpuEngine,
  work: Exclude<
    Work,
    { kind: "load" | "generate" | "score" | "scoreContinuations" }
  >,
): Promise<number | KvSnapshot | undefined> {
  switch (work.kind) {
    case "openTimeline":
      return await engine.openTimeline(work.snapshot);
    case "forkTimeline":
      return await engine.forkTimeline(work.timeline);
    case "readTimeline":
      return await engine.readTimeline(work.timeline);
    case "closeTimeline":
      await engine.closeTimeline(work.timeline);
      return undefined;
    case "dispose":
      await engine[Symbol.asyncDispose]();
      return undefined;
  }
}
