import type { ChatMessage } from "../chat/messages.ts";
import {
  renderChat,
  type RenderChatOptions,
  type RenderedChat,
} from "../chat/render.ts";
import type { GenerationContext } from "../generate/decode.ts";
import { Generation } from "../generate/generation.ts";
import type { GenerateOptions } from "../generate/options.ts";
import {
  checkScore,
  type Score,
  type ScoreOptions,
  scoreTokens,
} from "../generate/score.ts";
import type { BufferPool } from "../gpu/buffers.ts";
import type { Gpu } from "../gpu/gpu.ts";
import type { LlamaConfig } from "../model/config.ts";
import { kvBytes } from "../model/kv_buffers.ts";
import type { Llama } from "../model/llama.ts";
import { Sequence } from "../model/sequence.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { KernelChoice } from "../tune/report.ts";
import { checkSystemMemory } from "./memory.ts";

/** Options for {@linkcode Model.generate}. */
export interface GenerateTextOptions extends GenerateOptions {
  /**
   * Whether special tokens in the prompt's text are found. Defaults to `false`.
   */
  special?: boolean | undefined;
}

/** How a chat is written for the model. */
export type ChatFormatOptions = Pick<
  RenderChatOptions,
  "format" | "control" | "markers"
>;

/** Options for {@linkcode Model.chat}. */
export interface ChatOptions extends GenerateOptions, ChatFormatOptions {}

/** What a {@linkcode Model} is made of. */
export interface ModelParts {
  /** The device; the model destroys it. */
  gpu: Gpu;
  /** The owner of the model's GPU memory. */
  pool: BufferPool;
  /** The forward pass. */
  llama: Llama;
  /** A first sequence. */
  sequence: Sequence;
  /** The tokenizer. */
  tokenizer: Tokenizer;
  /** The file's chat template, where it has one. */
  template: string | undefined;
  /** Milliseconds that loading took. */
  loadMs: number;
  /** The variant of each product, and why. */
  kernels: readonly KernelChoice[];
}

/** What a {@linkcode Model} lends. */
export type LentParts = Pick<ModelParts, "gpu" | "llama" | "sequence">;

/** A model on the GPU: text in, text out. */
export class Model implements AsyncDisposable {
  /** Text to tokens and back. */
  readonly tokenizer: Tokenizer;
  /** Milliseconds that loading took. */
  readonly loadMs: number;
  /** Which variants of kernels the model runs, and why. */
  readonly kernels: readonly KernelChoice[];
  readonly #gpu: Gpu;
  readonly #pool: BufferPool;
  readonly #llama: Llama;
  readonly #template: string | undefined;
  /** A sequence that nobody uses, kept so that the next user need not allocate. */
  #idle: Sequence | undefined;
  readonly #busy = new Set<Sequence>();
  #disposed = false;

  /**
   * Puts a model together; {@linkcode loadModel} is the usual way to one.
   *
   * @param parts Its parts.
   */
  constructor(parts: ModelParts) {
    this.tokenizer = parts.tokenizer;
    this.loadMs = parts.loadMs;
    this.kernels = parts.kernels;
    this.#gpu = parts.gpu;
    this.#pool = parts.pool;
    this.#llama = parts.llama;
    this.#idle = parts.sequence;
    this.#template = parts.template;
  }

  /** The hyperparameters, from the file. */
  get config(): LlamaConfig {
    return this.#llama.config;
  }

  /** Positions that a conversation can have. */
  get contextLength(): number {
    return this.#llama.context;
  }

  /** The adapter's description of itself. */
  get device(): string {
    return this.#gpu.info.description;
  }

  /** Bytes of GPU memory in use, KV caches included. */
  get gpuBytes(): number {
    let bytes = this.#pool.bytes + (this.#idle?.bytes ?? 0);
    for (const sequence of this.#busy) bytes += sequence.bytes;
    return bytes;
  }

  /**
   * Continues a text.
   *
   * @param prompt Text, or token ids that are taken as they are.
   * @param options How to sample, and when to stop.
   * @returns The generation, which starts when it is read.
   * @throws {RangeError} If the prompt is empty or too long, or an option is out
   * of its range.
   */
  generate(
    prompt: string | readonly number[],
    options: GenerateTextOptions = {},
  ): Generation {
    this.#checkAlive();
    const { special = false } = options;
    if (prompt === "") {
      throw new RangeError(
        'Cannot generate: the prompt is "", at least one character is wanted',
      );
    }
    const ids = typeof prompt === "string"
      ? this.tokenizer.encode(prompt, { special })
      : prompt;
    return new Generation(this.#context(), { ids }, options);
  }

  /**
   * Answers a chat.
   *
   * @param messages An optional system message, then user and assistant in
   * turn, the user last.
   * @param options How the chat is written, how to sample, and when to stop.
   * @returns The generation, which starts when it is read; errors in the
   * messages are thrown there.
   * @throws {RangeError} If an option is out of its range.
   */
  chat(
    messages: readonly ChatMessage[],
    options: ChatOptions = {},
  ): Generation {
    this.#checkAlive();
    const prompt = async () => {
      const { ids, stop } = await this.renderChat(messages, options);
      return { ids, stop, trimEnd: true };
    };
    return new Generation(this.#context(), prompt, options);
  }

  /**
   * Writes a chat as {@linkcode Model.chat} does, without answering it. Old
   * turns are dropped where the chat leaves no room for `maxTokens`, of which at
   * most a quarter of the context is kept free.
   *
   * @param messages The chat.
   * @param options How it is written.
   * @returns The prompt and its tokens.
   */
  renderChat(
    messages: readonly ChatMessage[],
    options: ChatFormatOptions & Pick<GenerateOptions, "maxTokens"> = {},
  ): Promise<RenderedChat> {
    const { format, control, markers, maxTokens = Infinity } = options;
    const { context } = this.#llama;
    return renderChat(this.tokenizer, messages, {
      format,
      control,
      markers,
      template: this.#template,
      contextLength: context,
      reserve: Math.max(1, Math.min(maxTokens, Math.floor(context / 4))),
    });
  }

  /**
   * Gives the log-probability of each token of a text after those before it.
   *
   * @param ids The tokens, taken as they are, at most a context of them.
   * @param options How many alternatives each position gets.
   * @returns The probabilities.
   * @throws {RangeError} If there are no ids, too many, or one is out of range.
   */
  async score(
    ids: readonly number[],
    options: ScoreOptions = {},
  ): Promise<Score> {
    this.#checkAlive();
    const { context, config: { vocabularySize } } = this.#llama;
    checkScore(ids, { context, vocabularySize }, options);
    const sequence = await this.#acquire();
    try {
      return await scoreTokens(sequence, ids, options);
    } finally {
      this.#release(sequence);
    }
  }

  /**
   * Lends its insides to what measures them.
   *
   * @internal
   * @param use Uses them; they are given back behind it.
   * @returns What `use` returns.
   */
  async lend<T>(use: (parts: LentParts) => Promise<T>): Promise<T> {
    const sequence = await this.#acquire();
    try {
      return await use({ gpu: this.#gpu, llama: this.#llama, sequence });
    } finally {
      this.#release(sequence);
    }
  }

  /** Frees all GPU memory; generations that are under way fail. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    this.#idle?.[Symbol.dispose]();
    this.#idle = undefined;
    for (const sequence of this.#busy) sequence[Symbol.dispose]();
    this.#busy.clear();
    this.#pool[Symbol.dispose]();
    this.#gpu.device.destroy();
    return Promise.resolve();
  }

  #context(): GenerationContext {
    return {
      acquire: () => this.#acquire(),
      release: (sequence) => this.#release(sequence),
      tokenizer: this.tokenizer,
      context: this.#llama.context,
      loadMs: this.loadMs,
    };
  }

  async #acquire(): Promise<Sequence> {
    this.#checkAlive();
    const idle = this.#idle;
    this.#idle = undefined;
    const sequence = idle ?? await this.#createSequence();
    if (this.#disposed) sequence[Symbol.dispose](); // it came too late
    this.#checkAlive();
    this.#busy.add(sequence);
    return sequence;
  }

  #createSequence(): Promise<Sequence> {
    const bytes = kvBytes(this.#llama);
    checkSystemMemory(this.#gpu, "another KV cache", bytes);
    return Sequence.create(this.#gpu, this.#llama);
  }

  #release(sequence: Sequence): void {
    if (!this.#busy.delete(sequence)) return; // the model is disposed of
    if (this.#idle === undefined) {
      sequence.rewind(0);
      this.#idle = sequence;
    } else {
      sequence[Symbol.dispose]();
    }
  }

  #checkAlive(): void {
    if (this.#disposed) {
      throw new TypeError("Cannot use model: it is disposed of");
    }
  }
}
