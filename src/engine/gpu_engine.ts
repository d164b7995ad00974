import { runTokens } from "../generate/run.ts";
import {
  type Score,
  type ScoreOptions,
  scoreTokens,
} from "../generate/score.ts";
import { readSampling } from "../generate/sampler.ts";
import type {
  Speculation,
  TokenChunk,
  TokenOptions,
} from "../generate/tokens.ts";
import type { BufferPool } from "../gpu/buffers.ts";
import type { Gpu } from "../gpu/gpu.ts";
import type { LlamaConfig } from "../model/config.ts";
import type { Llama } from "../model/llama.ts";
import type { Sequence } from "../model/sequence.ts";
import type { KernelChoice } from "../tune/report.ts";
import type { Engine } from "./engine.ts";
import type { Sequences } from "./sequences.ts";

/** A Llama, its sequences, and the owners of its GPU memory. */
export interface LlamaParts {
  /** The forward pass. */
  llama: Llama;
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
  readonly #gpu: Gpu;
  readonly #main: LlamaParts;
  readonly #draft: LlamaParts | undefined;

  /**
   * Puts an engine together.
   *
   * @param parts Its parts.
   */
  constructor({ gpu, main, draft, loadMs }: GpuEngineParts) {
    this.#gpu = gpu;
    this.#main = main;
    this.#draft = draft;
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

  get hasDraft(): boolean {
    return this.#draft !== undefined;
  }

  async *generate(
    ids: readonly number[],
    options: TokenOptions,
  ): AsyncGenerator<TokenChunk, void> {
    const { sequences } = this.#main;
    const guess = options.maxTokens > 1 ? this.#guess(options) : "off";
    // At the first guess; with a draft, loading has done it.
    if (guess !== "off") await heeding(options.signal, this.#main.widen());
    const sequence = await sequences.acquire(ids);
    try {
      if (guess !== "draft") {
        yield* runTokens({ sequence }, ids, options);
        return;
      }
      const { sequences } = this.#draft!;
      const draft = await sequences.acquire(ids);
      try {
        yield* runTokens({ sequence, draft }, ids, options);
      } finally {
        sequences.release(draft);
      }
    } finally {
      sequences.release(sequence);
    }
  }

  async score(
    ids: readonly number[],
    options: ScoreOptions,
  ): Promise<Score> {
    using lent = await this.#lend();
    return await scoreTokens(lent.sequence, ids, options);
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
    using lent = await this.#lend();
    lent.sequence.setChoice(readSampling());
    return await use({ ...this.parts, sequence: lent.sequence });
  }

  /** An empty sequence; what it was kept for is gone. */
  async #lend(): Promise<Disposable & { sequence: Sequence }> {
    const { sequences } = this.#main;
    const sequence = await sequences.acquire([]);
    sequence.rewind(0);
    return {
      sequence,
      [Symbol.dispose]: () => sequences.release(sequence),
    };
  }

  /** Frees all GPU memory; generations that are under way fail. */
  [Symbol.asyncDispose](): Promise<void> {
    for (const { sequences, pools } of this.#models()) {
      sequences[Symbol.dispose]();
      for (const pool of pools) pool[Symbol.dispose]();
    }
    this.#gpu.device.destroy();
    return Promise.resolve();
  }

  #models(): LlamaParts[] {
    return this.#draft === undefined ? [this.#main] : [this.#main, this.#draft];
  }

  /** What guesses: the draft model by default, where that is possible. */
  #guess({ speculation, logprobs, sampler }: TokenOptions): Speculation {
    if (speculation !== undefined) return speculation;
    const canGuess = this.hasDraft && !logprobs && sampler !== "cpu";
    return canGuess ? "draft" : "off";
  }
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
