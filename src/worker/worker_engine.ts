import type { Engine } from "../engine/engine.ts";
import type { MemoryPlan } from "../engine/plan.ts";
import type {
  ContinuationIdOptions,
  ContinuationScore,
} from "../generate/continuations.ts";
import type { Score, ScoreOptions } from "../generate/score.ts";
import type { TokenChunk, TokenOptions } from "../generate/tokens.ts";
import type { KvType } from "../kernels/kv_cache.ts";
import type { LlamaConfig } from "../model/config.ts";
import type { KvSnapshot } from "../model/kv_snapshot.ts";
import type { KernelChoice } from "../tune/report.ts";
import type { Connection } from "./connection.ts";
import type { EngineFacts } from "./messages.ts";
import { packTokenOptions } from "./send.ts";

/** The engine of another thread. */
export class WorkerEngine implements Engine {
  readonly loadMs: number;
  readonly #connection: Connection;
  readonly #facts: EngineFacts;

  /**
   * Creates a {@linkcode WorkerEngine}.
   *
   * @param connection The worker, which the engine ends; its model is loaded.
   * @param facts What the worker told of the model.
   * @param loadMs Milliseconds that loading took, the start of the worker
   * included.
   */
  constructor(connection: Connection, facts: EngineFacts, loadMs: number) {
    this.#connection = connection;
    this.#facts = facts;
    this.loadMs = loadMs;
  }

  get config(): LlamaConfig {
    return this.#facts.config;
  }

  get contextLength(): number {
    return this.#facts.contextLength;
  }

  get device(): string {
    return this.#facts.device;
  }

  get gpuBytes(): number {
    return this.#connection.gpuBytes;
  }

  get kernels(): readonly KernelChoice[] {
    return this.#facts.kernels;
  }

  get fingerprint(): string {
    return this.#facts.fingerprint;
  }

  get kv(): KvType {
    return this.#facts.kv;
  }

  get plan(): MemoryPlan {
    return this.#facts.plan;
  }

  get hasDraft(): boolean {
    return this.#facts.hasDraft;
  }

  async *generate(
    ids: readonly number[],
    options: TokenOptions,
  ): AsyncGenerator<TokenChunk, void> {
    const { signal, onPrompt, onLogits } = options;
    await using call = this.#connection.open({
      kind: "generate",
      ids,
      options: packTokenOptions(options),
      isHooked: onLogits !== undefined,
    }, { signal, onProgress: onPrompt, onLogits });
    while (true) {
      const chunk = await call.next();
      if (chunk === undefined) return;
      yield chunk;
    }
  }

  async score(
    ids: readonly number[],
    { signal, ...options }: ScoreOptions,
  ): Promise<Score> {
    const work = { kind: "score", ids, options } as const;
    return await this.#connection.call(work, { signal });
  }

  async scoreContinuations(
    prefix: readonly number[],
    continuations: readonly (readonly number[])[],
    { top, reuse, signal }: ContinuationIdOptions,
  ): Promise<ContinuationScore[]> {
    const kind = "scoreContinuations";
    const options = { top, reuse };
    const work = { kind, prefix, continuations, options } as const;
    return await this.#connection.call(work, { signal });
  }

  openTimeline(snapshot?: KvSnapshot): Promise<number> {
    return this.#connection.call({ kind: "openTimeline", snapshot });
  }

  forkTimeline(timeline: number): Promise<number> {
    return this.#connection.call({ kind: "forkTimeline", timeline });
  }

  readTimeline(timeline: number): Promise<KvSnapshot> {
    return this.#connection.call({ kind: "readTimeline", timeline });
  }

  closeTimeline(timeline: number): Promise<void> {
    return this.#connection.call({ kind: "closeTimeline", timeline });
  }

  /** Frees all GPU memory and ends the worker; generations under way fail. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#connection[Symbol.asyncDispose]();
  }
}
