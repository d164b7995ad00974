import { BufferPool, formatBytes } from "../gpu/buffers.ts";
import type { Gpu } from "../gpu/gpu.ts";
import type { BoundKernel } from "../gpu/kernel.ts";
import { nextTurn } from "../gpu/next_turn.ts";
import { controlWords } from "../kernels/control.ts";
import { MAX_CHOICES } from "../kernels/sample_cpu.ts";
import { checkIds } from "./check_ids.ts";
import { type Choice, Chooser } from "./chooser.ts";
import { type KvBuffers, kvBytes } from "./kv_buffers.ts";
import type { KvSnapshot } from "./kv_snapshot.ts";
import type { BoundAttention, Llama } from "./llama.ts";
import { Recorder, type Work } from "./recorder.ts";
import { disposedError, Results } from "./results.ts";
import { SequenceCache } from "./sequence_cache.ts";

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

/** Options for {@linkcode Sequence.steps}. */
export interface StepsOptions {
  /** How many tokens to choose, at most `MAX_CHUNK`. */
  count: number;
  /**
   * How many will be wanted next, as far as is known: those are encoded while the
   * GPU is busy. Defaults to none.
   */
  ahead?: number;
}

/** A sequence's row of a step in which several have one each. */
export interface LaneRow {
  /** Its cache. */
  attention: readonly BoundAttention[];
  /** Chooses its next token. */
  choose: BoundKernel;
  /** Its position. */
  position: number;
  /** Tokens that were chosen since the rule was set. */
  chosen: number;
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
  readonly #cache: SequenceCache;
  readonly #chooser: Chooser;
  readonly #recorder: Recorder;
  readonly #results: Results;
  // Tokens chosen since the rule was set.
  #chosen = 0;
  #disposed = false;

  private constructor(gpu: Gpu, llama: Llama, pool: BufferPool) {
    this.#gpu = gpu;
    this.#llama = llama;
    this.#pool = pool;
    this.#cache = new SequenceCache(gpu, llama, pool);
    this.#chooser = new Chooser(gpu, llama, pool);
    this.#results = new Results(gpu, llama);
    this.#recorder = new Recorder({
      device: gpu.device,
      llama,
      attention: this.#cache.attention,
      chooser: this.#chooser,
      results: this.#results,
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

  /** Tokens at the start of the cache that ran as a prompt. */
  get promptLength(): number {
    return this.#cache.rows.promptLength;
  }

  /** Whether each read-back waits for more than the GPU; see `readback.ts`. */
  get isAwaited(): boolean {
    return !this.#gpu.syncReadback;
  }

  /** Tokens in the cache. */
  get length(): number {
    return this.#cache.rows.length;
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

  /** Its cache, for what continues it in several ways; see `branches.ts`. */
  get cache(): KvBuffers {
    return this.#cache.buffers;
  }

  /** Whether its cache is freed. */
  get isDisposed(): boolean {
    return this.#disposed;
  }

  /** Tokens that the cache has room for. */
  get room(): number {
    return this.#llama.context - this.length;
  }

  /** Bytes of GPU memory in the cache and the read-back buffers. */
  get bytes(): number {
    return this.#pool.bytes + this.#results.bytes + this.#chooser.bytes;
  }

  /**
   * Forgets the tokens from `length` on.
   *
   * @param length How many to keep.
   */
  rewind(length: number): void {
    if (!Number.isInteger(length) || length < 0 || length > this.length) {
      throw new RangeError(
        `Cannot rewind: length is ${length}, an integer from 0 to ${this.length} is wanted`,
      );
    }
    // What lies behind is never read, and overwritten by what comes.
    this.#cache.rows.truncate(length);
  }

  /**
   * How many tokens of a text need not run again; see `row_ids.ts`.
   *
   * @param ids The text.
   * @param promptLength Tokens that are to run as a prompt, the rest as steps.
   * Defaults to all of them.
   * @returns Tokens that it shares with the start of the cache.
   */
  shared(ids: readonly number[], promptLength = ids.length): number {
    return this.#cache.rows.shared(ids, promptLength);
  }

  /**
   * Sets how tokens are chosen: at first, the most likely ones.
   *
   * @param choice The rule.
   * @param options Tokens that went before, for penalties, and how many were
   * chosen by this rule before. Defaults to none.
   */
  setChoice(
    choice: Choice,
    { history = [], chosen = 0 }: {
      history?: readonly number[];
      chosen?: number | undefined;
    } = {},
  ): void {
    this.#chooser.set(choice, history);
    this.#chosen = chosen;
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
    const read = () => this.#results.done();
    await this.#appendPrompt(ids, { then: "nothing", read, ...options });
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
    const read = () => this.#results.ids(1);
    const all = { then: "choose", read, ...options } as const;
    const [id] = await this.#appendPrompt(ids, all);
    this.#chosen++;
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
    const read = () => this.#results.logits(1);
    const all = { then: "logits", read, ...options } as const;
    return await this.#appendPrompt(ids, all);
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
    this.#cache.rows.appendSteps([id]);
    if (this.room > 0) this.#recorder.prepare(work, this.length);
    return await this.#results.logits(1);
  }

  /** Makes it ready for {@linkcode Sequence.chooseAmong}. */
  async prepareMask(): Promise<void> {
    await this.#chooser.prepareMask();
  }

  /**
   * Appends a prompt and keeps the logits behind it for
   * {@linkcode Sequence.chooseAmong}, without waiting for them.
   *
   * @param ids Its ids, at least one.
   * @param options Interruption and progress.
   * @throws {RangeError} If there are none, too many, or one is out of range.
   */
  async keep(
    ids: readonly number[],
    options: PromptOptions = {},
  ): Promise<void> {
    const read = () => Promise.resolve();
    await this.#appendPrompt(ids, { then: "keep", read, ...options });
  }

  /**
   * Appends one token as a step and keeps the logits behind it, without waiting
   * for them.
   *
   * @param id The token.
   */
  stepKept(id: number): void {
    const work: Work = {
      ids: [id],
      kind: "step",
      head: { rows: 1, kind: "step" },
      then: "keep",
    };
    this.#submit(work);
    this.#cache.rows.appendSteps([id]);
    if (this.room > 0) this.#recorder.prepare(work, this.length);
  }

  /**
   * Chooses a token of those that may come, by the logits that were kept.
   *
   * @param allowed A bit for each token, `[ceil(tokens / 32)]`.
   * @param chosen Tokens that were chosen before it.
   * @returns The token's id.
   */
  async chooseAmong(
    allowed: Uint32Array<ArrayBuffer>,
    chosen: number,
  ): Promise<number> {
    if (this.#disposed) throw disposedError();
    this.#chooser.chooseAmong(allowed, {
      position: this.length,
      chosen,
      target: this.#results.idsBuffer,
    });
    const [id] = await this.#results.ids(1);
    return id!;
  }

  /**
   * Appends tokens that were chosen before, each as the step that it was.
   *
   * @param ids The tokens.
   * @param options Interruption and progress, and how many run at a time: of more
   * than one the model must be wide. Defaults to one.
   */
  async replay(
    ids: readonly number[],
    { rows = 1, signal, onProgress }: PromptOptions & { rows?: number } = {},
  ): Promise<void> {
    const total = this.length + ids.length;
    for (let first = 0; first < ids.length; first += rows) {
      const part = ids.slice(first, first + rows);
      const head = { rows: 0, kind: "step" } as const;
      this.#submit({ ids: part, kind: "step", head, then: "nothing" });
      this.#cache.rows.appendSteps(part);
      await this.#results.done();
      onProgress?.({ processed: this.length, total });
      await nextTurn();
      signal?.throwIfAborted();
    }
  }

  /**
   * Appends one token as a step and chooses the next of those that may come.
   *
   * @param id The token.
   * @param allowed A bit for each token, `[ceil(tokens / 32)]`.
   * @param chosen Tokens that were chosen before it.
   * @returns The next token's id.
   */
  async stepAmong(
    id: number,
    allowed: Uint32Array<ArrayBuffer>,
    chosen: number,
  ): Promise<number> {
    if (this.#disposed) throw disposedError();
    const work: Work = {
      ids: [id],
      kind: "step",
      head: { rows: 1, kind: "step" },
      then: "choose",
      isMasked: true,
    };
    this.#chooser.masked.allow(allowed);
    this.#chosen = chosen;
    this.#submit(work);
    this.#cache.rows.appendSteps([id]);
    if (this.room > 0) this.#recorder.prepare(work, this.length);
    const [next] = await this.#results.ids(1);
    return next!;
  }

  /**
   * Appends tokens as a step, and goes on with what is chosen.
   *
   * @param ids At most `MAX_STEPS` tokens.
   * @param options How many tokens to choose, now and next.
   * @returns The tokens that were chosen; all but the last are in the cache.
   */
  async steps(
    ids: readonly number[],
    { count, ahead = 0 }: StepsOptions,
  ): Promise<number[]> {
    const work: Work = {
      ids,
      kind: "step",
      head: { rows: 1, kind: "step" },
      then: "choose",
      steps: count,
    };
    this.#submit(work);
    const next = this.length + ids.length + count - 1;
    if (ahead > 0 && next + ahead <= this.context) {
      // The GPU is busy now.
      this.#recorder.prepare({ ...work, ids: [0], steps: ahead }, next);
    }
    const chosen = await this.#results.ids(count);
    this.noteSteps(ids, chosen);
    return chosen;
  }

  /**
   * Takes note of tokens that ran as steps.
   *
   * @param ids The tokens that were given.
   * @param chosen Those that were chosen behind them: all but the last ran.
   */
  noteSteps(ids: readonly number[], chosen: readonly number[]): void {
    this.#cache.rows.appendSteps([...ids, ...chosen.slice(0, -1)]);
    this.#chosen += chosen.length;
  }

  /**
   * Makes it a part of a step in which several sequences have a row each.
   *
   * @param lane Which part.
   * @returns What the step needs of it.
   */
  join(lane: number): LaneRow {
    if (this.#disposed) throw disposedError();
    this.#chooser.setLane(lane);
    return {
      attention: this.#cache.lane(lane),
      choose: this.#chooser.kernel,
      position: this.length,
      chosen: this.#chosen,
    };
  }

  /** Copies the rows that are known to the CPU. */
  async snapshot(): Promise<KvSnapshot> {
    try {
      const snapshot = await this.#cache.snapshot();
      if (this.#disposed) throw disposedError();
      return snapshot;
    } catch (error) {
      throw this.#disposed ? disposedError() : error;
    }
  }

  /** Takes the rows of a snapshot in place of its own. */
  restore(snapshot: KvSnapshot): void {
    if (this.#disposed) throw disposedError();
    this.#cache.restore(snapshot);
  }

  /** Takes the rows of another sequence in place of its own. */
  copy(other: Sequence): void {
    if (this.#disposed || other.#disposed) throw disposedError();
    this.#cache.copy(other.#cache);
  }

  /**
   * Appends a token and guesses of what follows it, as far as they are right: as
   * if each had been chosen by a step of its own.
   *
   * @param ids The token and the guesses, at most `MAX_STEPS`.
   * @returns The tokens that were chosen: all but the last one were guessed.
   */
  async check(ids: readonly number[]): Promise<number[]> {
    const work: Work = {
      ids,
      kind: "step",
      head: { rows: ids.length, kind: "step" },
      then: "choose",
    };
    this.#submit(work);
    // If all are right, as many are likely to be guessed again.
    const next = this.length + ids.length;
    if (next + ids.length <= this.context) this.#recorder.prepare(work, next);
    const chosen = await this.#results.ids(ids.length);
    this.noteSteps(ids.slice(0, 1), chosen);
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
      const logits = await this.#results.logits(length);
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
    this.#results[Symbol.dispose]();
    this.#chooser[Symbol.dispose]();
    this.#pool[Symbol.dispose]();
  }

  #check(ids: readonly number[]): void {
    const { context, config: { vocabularySize } } = this.#llama;
    if (ids.length === 0) {
      throw new RangeError("Cannot append: there are no tokens, one is wanted");
    }
    if (ids.length > this.room) {
      throw new RangeError(
        `Cannot append ${ids.length} tokens to ${this.length}: the context has ${context}`,
      );
    }
    checkIds("append", ids, vocabularySize);
  }

  /** Runs all batches of a prompt, and reads what comes of it. */
  async #appendPrompt<T>(
    ids: readonly number[],
    { then, read, signal, onProgress }: PromptOptions & Pick<Work, "then"> & {
      read: () => Promise<T>;
    },
  ): Promise<T> {
    this.#check(ids);
    const kind = "prompt";
    const { batch } = this.#llama.state;
    const total = this.length + ids.length;
    let first = 0;
    for (; first + batch < ids.length; first += batch) {
      const none = { rows: 0, kind } as const;
      const part = ids.slice(first, first + batch);
      this.#appendRows({ ids: part, kind, head: none, then: "nothing" });
      await this.#results.done();
      onProgress?.({ processed: this.length, total });
      await nextTurn();
      signal?.throwIfAborted();
    }
    const head = { rows: then === "nothing" ? 0 : 1, kind: "step" } as const;
    this.#appendRows({ ids: ids.slice(first), kind, head, then });
    const result = await read();
    onProgress?.({ processed: this.length, total });
    return result;
  }

  /** Submits rows of a prompt, and takes note of them. */
  #appendRows(work: Work): void {
    this.#submit(work);
    this.#cache.rows.appendPrompt(work.ids);
  }

  /** Submits one piece of work. */
  #submit(work: Work): void {
    if (this.#disposed) throw disposedError();
    const { ids, head } = work;
    const { queue } = this.#gpu.device;
    this.#chooser.setLane(undefined);
    const commands = this.#recorder.take(work, this.length);
    const words = controlWords({
      ids,
      position: this.length,
      headFirst: ids.length - head.rows,
      headRows: head.rows,
      chosen: this.#chosen,
    });
    queue.writeBuffer(this.#llama.state.control, 0, words);
    queue.submit([commands]);
  }
}
