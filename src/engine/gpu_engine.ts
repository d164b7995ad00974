import { runTokens } from "../generate/run.ts";
import {
  type Score,
  type ScoreOptions,
  scoreTokens,
} from "../generate/score.ts";
import type { TokenChunk, TokenOptions } from "../generate/tokens.ts";
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
    const sequence = await sequences.acquire(ids);
    try {
      const draft = this.#drafts(options) ? this.#draft : undefined;
      const guesses = draft !== undefined || options.speculation === "lookup";
      if (guesses) await this.#main.widen();
      if (draft === undefined) {
        yield* runTokens({ sequence }, ids, options);
        return;
      }
      await draft.widen();
      const guessing = await draft.sequences.acquire(ids);
      try {
        yield* runTokens({ sequence, draft: guessing }, ids, options);
      } finally {
        draft.sequences.release(guessing);
      }
    } finally {
      sequences.release(sequence);
    }
  }

  score(ids: readonly number[], options: ScoreOptions): Promise<Score> {
    return this.lend(({ sequence }) => scoreTokens(sequence, ids, options));
  }

  /**
   * Lends its insides.
   *
   * @param use Uses them; they are given back behind it.
   * @returns What `use` returns.
   */
  async lend<T>(use: (parts: LentParts) => Promise<T>): Promise<T> {
    const { llama, sequences } = this.#main;
    const sequence = await sequences.acquire([]);
    try {
      sequence.rewind(0);
      return await use({ gpu: this.#gpu, llama, sequence });
    } finally {
      sequences.release(sequence);
    }
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

  /** Whether the draft model guesses: by default where that is possible. */
  #drafts({ speculation, logprobs, sampler }: TokenOptions): boolean {
    if (speculation !== undefined) return speculation === "draft";
    return !logprobs && sampler !== "cpu";
  }
}
