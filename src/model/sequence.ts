import { BufferPool, formatBytes } from "../gpu/buffers.ts";
import type { Gpu } from "../gpu/gpu.ts";
import { nextTurn } from "../gpu/next_turn.ts";
import { createReadback, type Readback } from "../gpu/readback.ts";
import { controlWords } from "../kernels/control.ts";
import {
  chosenIds,
  createSampleBuffers,
  type SampleBuffers,
  type SampleShape,
  writeRule,
} from "../kernels/sample.ts";
import { MAX_CHOICES, type SampleRule } from "../kernels/sample_cpu.ts";
import { checkIds } from "./check_ids.ts";
import { createKvBuffers, kvBytes } from "./kv_buffers.ts";
import type { Llama } from "./llama.ts";
import { Recorder, type Work } from "./recorder.ts";
import { MAX_CHUNK } from "./state.ts";

/** How far a prompt is. */
export interface PromptProgress {
  /** Tokens that are in the cache. */
  processed: number;
  /** Tokens of the prompt. */
  total: number;
}

/** Options for prompts of a {@linkcode Sequence}. */
export interface PromptOptions {
  /** Stops between batches; what was appended before stays. */
  signal?: AbortSignal | undefined;
  /** Called after each batch. */
  onProgress?: ((progress: PromptProgress) => void) | undefined;
}

/** How a {@linkcode Sequence} chooses tokens. */
export interface Choice {
  /** The rule. */
  rule: SampleRule;
  /** Whether the rule is to take the most likely token as it is. */
  isArgmax: boolean;
}

/**
 * One line of tokens and its KV cache.
 *
 * Sequences of one model share its activations, as each submission is a whole;
 * no two calls on one sequence may overlap.
 */
export class Sequence implements Disposable {
  readonly #gpu: Gpu;
  readonly #llama: Llama;
  readonly #pool: BufferPool;
  readonly #sampleShape: SampleShape;
  readonly #sampleBuffers: SampleBuffers;
  readonly #recorder: Recorder;
  readonly #ids: Readback;
  // Logits are large, and few generations read them.
  #logits: Readback | undefined;
  // Tokens chosen since the rule was set.
  #chosen = 0;
  // The ids of the rows at the start of the cache that ran as a prompt.
  #prompt: number[] = [];
  #length = 0;
  #disposed = false;

  private constructor(gpu: Gpu, llama: Llama, pool: BufferPool) {
    this.#gpu = gpu;
    this.#llama = llama;
    this.#pool = pool;
    const attention = llama.bindCache(createKvBuffers(pool, llama));
    this.#sampleShape = {
      size: llama.tokens,
      stride: llama.config.vocabularySize,
      context: llama.context,
    };
    this.#sampleBuffers = createSampleBuffers(pool, this.#sampleShape);
    const { logits, control, chosen } = llama.state;
    this.#ids = createReadback(gpu.device, {
      size: 4 * MAX_CHUNK,
      sync: gpu.syncReadback,
    });
    this.#recorder = new Recorder({
      device: gpu.device,
      llama,
      attention,
      sample: llama.sample.bind({
        logits,
        control,
        chosen,
        own: this.#sampleBuffers,
      }),
      ids: () => this.#ids.buffer,
      logits: () => this.#logitsReadback().buffer,
    });
  }

  /**
   * Allocates an empty sequence.
   *
   * @param gpu The model's device.
   * @param llama The model.
   * @returns The sequence; dispose of it to free its KV cache.
   * @throws {GpuMemoryError} If the GPU has no room for the cache.
   */
  static async create(gpu: Gpu, llama: Llama): Promise<Sequence> {
    const pool = new BufferPool(gpu.device);
    let sequence: Sequence;
    try {
      sequence = new Sequence(gpu, llama, pool);
    } catch (error) {
      pool[Symbol.dispose]();
      throw error;
    }
    try {
      await pool.check(
        `the KV cache of ${llama.context} positions (${
          formatBytes(kvBytes(llama))
        })`,
      );
    } catch (error) {
      sequence[Symbol.dispose]();
      throw error;
    }
    return sequence;
  }

  /** Tokens in the cache. */
  get length(): number {
    return this.#length;
  }

  /** Tokens that the cache can have. */
  get context(): number {
    return this.#llama.context;
  }

  /** Tokens of the vocabulary. */
  get tokens(): number {
    return this.#llama.tokens;
  }

  /** Whether the GPU can choose among so many tokens. */
  get canChoose(): boolean {
    return this.tokens <= MAX_CHOICES;
  }

  /** Tokens that the cache has room for. */
  get room(): number {
    return this.#llama.context - this.#length;
  }

  /** Bytes of GPU memory in the cache and the read-back buffers. */
  get bytes(): number {
    return this.#pool.bytes + this.#ids.buffer.size +
      (this.#logits?.buffer.size ?? 0);
  }

  /**
   * Forgets the tokens from `length` on.
   *
   * @param length How many to keep.
   */
  rewind(length: number): void {
    if (!Number.isInteger(length) || length < 0 || length > this.#length) {
      throw new RangeError(
        `Cannot rewind: length is ${length}, an integer from 0 to ${this.#length} is wanted`,
      );
    }
    // What lies behind is never read, and overwritten by what comes.
    this.#length = length;
    if (length < this.#prompt.length) this.#prompt.length = length;
  }

  /**
   * How many tokens of a prompt need not run again. Only rows that ran as a
   * prompt count: a step's own are added up in another order, and would leave
   * other last bits in what follows than a prompt that runs as a whole.
   *
   * @param ids The prompt.
   * @returns Tokens that it shares with the start of the cache; its last one
   * has to run in any case.
   */
  shared(ids: readonly number[]): number {
    const most = Math.min(this.#prompt.length, ids.length - 1);
    let length = 0;
    while (length < most && this.#prompt[length] === ids[length]) length++;
    return length;
  }

  /**
   * Sets how tokens are chosen.
   *
   * @param choice The rule.
   * @param history Tokens that went before, for penalties.
   */
  setChoice({ rule, isArgmax }: Choice, history: readonly number[]): void {
    const { device } = this.#gpu;
    const shape = this.#sampleShape;
    writeRule(device, this.#sampleBuffers, shape, rule, history);
    this.#recorder.isArgmax = isArgmax;
    this.#chosen = 0;
  }

  /**
   * Appends a prompt.
   *
   * @param ids Its ids, at least one.
   * @param options Interruption and progress.
   * @throws {RangeError} If there are none, too many, or one is out of range.
   */
  async append(
    ids: readonly number[],
    options: PromptOptions = {},
  ): Promise<void> {
    await this.#appendPrompt(ids, "nothing", options);
  }

  /**
   * Appends a prompt and chooses the token behind it.
   *
   * @param ids Its ids, at least one.
   * @param options Interruption and progress.
   * @returns The token's id.
   * @throws {RangeError} If there are none, too many, or one is out of range.
   */
  async choose(
    ids: readonly number[],
    options: PromptOptions = {},
  ): Promise<number> {
    await this.#appendPrompt(ids, "choose", options);
    const [id] = await this.#readIds(1);
    return id!;
  }

  /**
   * Appends a prompt and reads what the model says of the token behind it.
   *
   * @param ids Its ids, at least one.
   * @param options Interruption and progress.
   * @returns The logits, `[vocabularySize]`.
   * @throws {RangeError} If there are none, too many, or one is out of range.
   */
  async promptLogits(
    ids: readonly number[],
    options: PromptOptions = {},
  ): Promise<Float32Array> {
    await this.#appendPrompt(ids, "logits", options);
    return await this.#readLogits(1);
  }

  /**
   * Appends one token as a step and reads what the model says of the next.
   *
   * @param id The token.
   * @returns The logits, `[vocabularySize]`.
   */
  async stepLogits(id: number): Promise<Float32Array> {
    const work: Work = {
      ids: [id],
      kind: "step",
      head: { rows: 1, kind: "step" },
      then: "logits",
    };
    this.#submit(work);
    this.#length++;
    if (this.room > 0) this.#recorder.prepare(work, this.#length);
    return await this.#readLogits(1);
  }

  /**
   * Appends tokens as a step, and goes on with what is chosen.
   *
   * @param ids At most `MAX_STEPS` tokens.
   * @param count How many tokens to choose, at most {@linkcode MAX_CHUNK}.
   * @param ahead How many will be wanted next, as far as is known: those are
   * encoded while the GPU is busy. Defaults to none.
   * @returns The tokens that were chosen; all but the last are in the cache.
   */
  async steps(
    ids: readonly number[],
    count: number,
    ahead = 0,
  ): Promise<number[]> {
    const work: Work = {
      ids,
      kind: "step",
      head: { rows: 1, kind: "step" },
      then: "choose",
      steps: count,
    };
    this.#submit(work);
    this.#length += ids.length + count - 1;
    this.#chosen += count;
    if (ahead > 0 && ahead <= this.room) {
      const next = { ...work, ids: [0], steps: ahead };
      this.#recorder.prepare(next, this.#length); // the GPU is busy now
    }
    return await this.#readIds(count);
  }

  /**
   * Appends a token and guesses of what follows it, as far as they are right: as
   * if each had been chosen by a step of its own.
   *
   * @param ids The token and the guesses, at most `MAX_STEPS`.
   * @returns The tokens that were chosen: all but the last one were guessed.
   */
  async check(ids: readonly number[]): Promise<number[]> {
    this.#submit({
      ids,
      kind: "step",
      head: { rows: ids.length, kind: "step" },
      then: "choose",
    });
    const chosen = await this.#readIds(ids.length);
    this.#length += chosen.length;
    this.#chosen += chosen.length;
    return chosen;
  }

  /**
   * Appends a prompt and gives the logits after each token.
   *
   * @param ids Its ids, at least one.
   * @param options Interruption and progress.
   * @returns One array of `[vocabularySize]` a token, in order.
   * @throws {RangeError} If there are none, too many, or one is out of range.
   */
  async *logits(
    ids: readonly number[],
    { signal, onProgress }: PromptOptions = {},
  ): AsyncGenerator<Float32Array> {
    this.#check(ids);
    const { state, config: { vocabularySize } } = this.#llama;
    // All logits of a batch are read at once: another sequence may run next.
    const most = Math.min(state.batch, state.headRows);
    for (let first = 0; first < ids.length; first += most) {
      const batch = ids.slice(first, first + most);
      const { length } = batch;
      const head = { rows: length, kind: "prompt" } as const;
      this.#appendRows({ ids: batch, kind: "prompt", head, then: "logits" });
      const logits = await this.#readLogits(length);
      onProgress?.({ processed: first + length, total: ids.length });
      for (let row = 0; row < length; row++) {
        const start = row * vocabularySize;
        yield logits.subarray(start, start + vocabularySize);
      }
      await nextTurn();
      signal?.throwIfAborted();
    }
  }

  /** Frees the cache. */
  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#recorder.clear();
    this.#ids.buffer.destroy();
    this.#logits?.buffer.destroy();
    this.#pool[Symbol.dispose]();
  }

  #check(ids: readonly number[]): void {
    const { context, config: { vocabularySize } } = this.#llama;
    if (ids.length === 0) {
      throw new RangeError("Cannot append: there are no tokens, one is wanted");
    }
    if (ids.length > this.room) {
      throw new RangeError(
        `Cannot append ${ids.length} tokens to ${this.#length}: the context has ${context}`,
      );
    }
    checkIds("append", ids, vocabularySize);
  }

  /** Runs all batches of a prompt, and what comes behind the last one. */
  async #appendPrompt(
    ids: readonly number[],
    then: Work["then"],
    { signal, onProgress }: PromptOptions,
  ): Promise<void> {
    this.#check(ids);
    const kind = "prompt";
    const { batch } = this.#llama.state;
    const total = this.#length + ids.length;
    let first = 0;
    for (; first + batch < ids.length; first += batch) {
      const none = { rows: 0, kind } as const;
      const part = ids.slice(first, first + batch);
      this.#appendRows({ ids: part, kind, head: none, then: "nothing" });
      await this.#read(this.#ids, 4); // to wait for it
      onProgress?.({ processed: this.#length, total });
      await nextTurn();
      signal?.throwIfAborted();
    }
    const head = { rows: then === "nothing" ? 0 : 1, kind: "step" } as const;
    this.#appendRows({ ids: ids.slice(first), kind, head, then });
    if (then === "nothing") await this.#read(this.#ids, 4);
    if (then === "choose") this.#chosen++;
    onProgress?.({ processed: this.#length, total });
  }

  /** Submits rows of a prompt, and takes note of them. */
  #appendRows(work: Work): void {
    this.#submit(work);
    if (this.#prompt.length === this.#length) this.#prompt.push(...work.ids);
    this.#length += work.ids.length;
  }

  /** Submits one piece of work. */
  #submit(work: Work): void {
    if (this.#disposed) {
      throw new TypeError("Cannot use model: it is disposed of");
    }
    const { ids, head } = work;
    const { queue } = this.#gpu.device;
    const commands = this.#recorder.take(work, this.#length);
    const words = controlWords({
      ids,
      position: this.#length,
      headFirst: ids.length - head.rows,
      headRows: head.rows,
      chosen: this.#chosen,
    });
    queue.writeBuffer(this.#llama.state.control, 0, words);
    queue.submit([commands]);
  }

  async #readIds(count: number): Promise<number[]> {
    return chosenIds(new Uint32Array(await this.#read(this.#ids, 4 * count)));
  }

  async #readLogits(rows: number): Promise<Float32Array> {
    const bytes = this.#logitsBytes(rows);
    return new Float32Array(await this.#read(this.#logitsReadback(), bytes));
  }

  async #read(readback: Readback, bytes: number): Promise<ArrayBuffer> {
    const { health } = this.#gpu;
    let data: ArrayBuffer;
    try {
      data = await readback.read(bytes);
    } catch (cause) {
      health.problem ??= cause instanceof Error ? cause.message : `${cause}`;
      throw new Error(`Cannot run the model: ${health.problem}`, { cause });
    }
    // Better no answer than one from a command that failed.
    if (health.problem !== undefined) {
      throw new Error(`Cannot run the model: ${health.problem}`);
    }
    return data;
  }

  #logitsReadback(): Readback {
    const { state } = this.#llama;
    this.#logits ??= createReadback(this.#gpu.device, {
      size: this.#logitsBytes(state.headRows),
      sync: this.#gpu.syncReadback,
    });
    return this.#logits;
  }

  #logitsBytes(rows: number): number {
    return 4 * rows * this.#llama.config.vocabularySize;
  }
}
