import type {
  ContinuationIdOptions,
  ContinuationScore,
} from "../generate/continuations.ts";
import { readsLogits } from "../generate/logprobs.ts";
import { runTokens } from "../generate/run.ts";
import { checkRoom } from "../generate/run_constrained.ts";
import {
  type Score,
  type ScoreOptions,
  scoreTokens,
} from "../generate/score.ts";
import { onlyOnCpu, readSampling } from "../generate/sampler.ts";
import type {
  Speculation,
  TokenChunk,
  TokenOptions,
} from "../generate/tokens.ts";
import type { BufferPool } from "../gpu/buffers.ts";
import type { Gpu } from "../gpu/gpu.ts";
import type { GrammarCache } from "../structure/grammar_cache.ts";
import type { LlamaConfig } from "../model/config.ts";
import type { Llama } from "../model/llama.ts";
import { StepQueue } from "../generate/step_queue.ts";
import type { KvType } from "../kernels/kv_cache.ts";
import type { KvSnapshot } from "../model/kv_snapshot.ts";
import { disposedError } from "../model/results.ts";
import type { Sequence } from "../model/sequence.ts";
import { StepBatch } from "../model/step_batch.ts";
import { checkLogprob } from "../tune/fixed.ts";
import type { KernelChoice } from "../tune/report.ts";
import type { Engine } from "./engine.ts";
import type { MemoryPlan } from "./plan.ts";
import { scoreContinuations } from "./score_continuations.ts";
import type { Sequences } from "./sequences.ts";
import { Timelines } from "./timelines.ts";

/** A Llama, its sequences, and the owners of its GPU memory. */
export interface LlamaParts {
  /** The forward pass. */
  llama: Llama;
  /** Tells its file apart from others. */
  fingerprint: string;
  /** Own its weights and activations. */
  pools: readonly BufferPool[];
  /** Its sequences. */
  sequences: Sequences;
  /** The variant of each product, and why. */
  kernels: readonly KernelChoice[];
  /** Makes it ready to check guesses. */
  widen: () => Promise<void>;
}

/** What a {@linkcode GpuEngine} is made of. */
export interface GpuEngineParts {
  /** The device; the engine destroys it. */
  gpu: Gpu;
  /** The model. */
  main: LlamaParts;
  /** A smaller model of the same vocabulary, which guesses. */
  draft?: LlamaParts | undefined;
  /** What holds texts to grammars. */
  grammars: GrammarCache;
  /** What it takes, as it was foretold. */
  plan: MemoryPlan;
  /** Milliseconds that loading took. */
  loadMs: number;
}

/** What a {@linkcode GpuEngine} lends. */
export interface LentParts {
  /** The device. */
  gpu: Gpu;
  /** The forward pass. */
  llama: Llama;
  /** An empty sequence. */
  sequence: Sequence;
}

/** The engine of this thread. */
export class GpuEngine implements Engine {
  readonly loadMs: number;
  readonly plan: MemoryPlan;
  readonly #gpu: Gpu;
  readonly #main: LlamaParts;
  readonly #draft: LlamaParts | undefined;
  readonly #timelines: Timelines;
  readonly #queue: StepQueue;
  #batch: StepBatch | undefined;
  #disposed = false;
  readonly #grammars: GrammarCache;
  // At the first score: generations can do without.
  #scorable: Promise<void> | undefined;

  /**
   * Puts an engine together.
   *
   * @param parts Its parts.
   */
  constructor(
    { gpu, main, draft, grammars, plan, loadMs }: GpuEngineParts,
  ) {
    this.#gpu = gpu;
    this.#main = main;
    this.#draft = draft;
    this.#timelines = new Timelines(main.sequences);
    this.#queue = new StepQueue(() => this.#stepBatch());
    this.#grammars = grammars;
    this.plan = plan;
    this.loadMs = loadMs;
  }

  get config(): LlamaConfig {
    return this.#main.llama.config;
  }

  get contextLength(): number {
    return this.#main.llama.context;
  }

  get device(): string {
    return this.#gpu.info.description;
  }

  get gpuBytes(): number {
    return this.#models()
      .flatMap(({ pools, sequences }) => [...pools, sequences])
      .reduce((sum, { bytes }) => sum + bytes, 0);
  }

  get kernels(): readonly KernelChoice[] {
    return this.#models().flatMap(({ kernels }) => kernels);
  }

  get fingerprint(): string {
    return this.#main.fingerprint;
  }

  get kv(): KvType {
    return this.#main.llama.kv;
  }

  get hasDraft(): boolean {
    return this.#draft !== undefined;
  }

  async *generate(
    ids: readonly number[],
    options: TokenOptions,
  ): AsyncGenerator<TokenChunk, void> {
    const widen = () => this.#widen();
    // What is wrong with a grammar is said before the GPU works.
    using matcher = options.grammar &&
      await this.#grammars.start(options.grammar);
    if (matcher !== undefined) checkRoom(matcher, options.maxTokens);
    options.signal?.throwIfAborted();
    const guesses = options.maxTokens > 1 && matcher === undefined;
    const guess = guesses ? this.#guess(options) : "off";
    // At the first guess; with a draft, loading has done it.
    if (guess !== "off") await heeding(options.signal, widen());
    const queue = this.#queue;
    using main = options.timeline === undefined
      ? await acquire(this.#main.sequences, ids)
      : await this.#timelines.acquire(options.timeline);
    using draft = guess === "draft"
      ? await acquire(this.#draft!.sequences, ids)
      : undefined;
    const { sequence } = main;
    const parts = { queue, widen, sequence, draft: draft?.sequence };
    const { endIds, forced } = this.#grammars;
    const constraint = matcher && { matcher, endIds, forced };
    yield* runTokens({ ...parts, constraint }, ids, options);
  }

  openTimeline(snapshot?: KvSnapshot): Promise<number> {
    return Promise.resolve(this.#timelines.open(snapshot));
  }

  forkTimeline(id: number): Promise<number> {
    return this.#timelines.fork(id);
  }

  readTimeline(id: number): Promise<KvSnapshot> {
    return this.#timelines.snapshot(id);
  }

  closeTimeline(id: number): Promise<void> {
    this.#timelines.close(id);
    return Promise.resolve();
  }

  async score(
    ids: readonly number[],
    options: ScoreOptions,
  ): Promise<Score> {
    using lent = await acquire(this.#main.sequences, []);
    lent.sequence.rewind(0);
    return await scoreTokens(lent.sequence, ids, options);
  }

  async scoreContinuations(
    prefix: readonly number[],
    continuations: readonly (readonly number[])[],
    options: ContinuationIdOptions,
  ): Promise<ContinuationScore[]> {
    using lent = await acquire(this.#main.sequences, prefix);
    const { sequence } = lent;
    const parts = { ...this.parts, sequence };
    try {
      await this.#checkScorable();
      return await scoreContinuations(parts, prefix, continuations, options);
    } catch (error) {
      throw sequence.isDisposed ? disposedError() : error;
    }
  }

  /** The device and the forward pass. */
  get parts(): Pick<LentParts, "gpu" | "llama"> {
    return { gpu: this.#gpu, llama: this.#main.llama };
  }

  /**
   * Lends its insides.
   *
   * @param use Uses them; they are given back behind it.
   * @returns What `use` returns.
   */
  async lend<T>(use: (parts: LentParts) => Promise<T>): Promise<T> {
    using lent = await acquire(this.#main.sequences, []);
    lent.sequence.rewind(0);
    lent.sequence.setChoice(readSampling());
    return await use({ ...this.parts, sequence: lent.sequence });
  }

  /** Frees all GPU memory; generations that are under way fail. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    this.#batch?.[Symbol.dispose]();
    for (const { sequences, pools } of this.#models()) {
      sequences[Symbol.dispose]();
      for (const pool of pools) pool[Symbol.dispose]();
    }
    this.#grammars[Symbol.dispose]();
    this.#gpu.device.destroy();
    return Promise.resolve();
  }

  #checkScorable(): Promise<void> {
    this.#scorable ??= checkLogprob(this.#gpu);
    // What has failed may be tried again.
    this.#scorable.catch(() => this.#scorable = undefined);
    return this.#scorable;
  }

  /** Makes the model ready to take steps of several sequences at once. */
  async #stepBatch(): Promise<StepBatch> {
    await this.#widen();
    return this.#batch ??= new StepBatch(this.#gpu, this.#main.llama);
  }

  /** Makes the model ready for steps of several rows. */
  async #widen(): Promise<void> {
    try {
      await this.#main.widen();
    } catch (error) {
      throw this.#disposed ? disposedError() : error;
    }
    if (this.#disposed) throw disposedError();
  }

  #models(): LlamaParts[] {
    return this.#draft === undefined ? [this.#main] : [this.#main, this.#draft];
  }

  /** What guesses: the draft model by default, where that is possible. */
  #guess(options: TokenOptions): Speculation {
    const { speculation, sampler } = options;
    if (speculation === "draft" && !this.hasDraft) throw noDraftError();
    if (speculation !== undefined) return speculation;
    if (!this.hasDraft || readsLogits(options) || sampler === "cpu") {
      return "off";
    }
    return onlyOnCpu(readSampling(options)) === undefined ? "draft" : "off";
  }
}

/** The error of who wants a draft model to guess where there is none. */
export function noDraftError(): TypeError {
  return new TypeError(
    'Cannot generate: speculation is "draft", a model that was loaded with a draft is wanted',
  );
}

/** Lends a sequence, the one that shares most with some tokens. */
async function acquire(
  sequences: Sequences,
  ids: readonly number[],
): Promise<Disposable & { sequence: Sequence }> {
  const sequence = await sequences.acquire(ids);
  return {
    sequence,
    [Symbol.dispose]: () => sequences.release(sequence),
  };
}

/** Waits for work that goes on by itself, as long as nobody aborts. */
async function heeding(
  signal: AbortSignal | undefined,
  work: Promise<void>,
): Promise<void> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal?.reason);
  signal?.addEventListener("abort", abort);
  try {
    await Promise.race([work, aborted.promise]);
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}
