import { BufferPool, formatBytes } from "../gpu/buffers.ts";
import type { Gpu } from "../gpu/gpu.ts";
import type { BoundKernel } from "../gpu/kernel.ts";
import { nextTurn } from "../gpu/next_turn.ts";
import { MAX_CHOICES } from "../kernels/sample_cpu.ts";
import type { Choice } from "./chooser.ts";
import { type KvBuffers, kvBytes } from "./kv_buffers.ts";
import type { KvSnapshot } from "./kv_snapshot.ts";
import type { BoundAttention, Llama } from "./llama.ts";
import { MaskedSteps } from "./masked_steps.ts";
import { type PromptOptions, runPrompt, runPromptLogits } from "./prompts.ts";
import type { Work } from "./recorder.ts";
import { disposedError } from "./results.ts";
import { Runner } from "./runner.ts";

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
  /** The steps that choose among some tokens. */
  readonly masked: MaskedSteps;
  readonly #gpu: Gpu;
  readonly #llama: Llama;
  readonly #pool: BufferPool;
  readonly #runner: Runner;

  private constructor(gpu: Gpu, llama: Llama, pool: BufferPool) {
    this.#gpu = gpu;
    this.#llama = llama;
    this.#pool = pool;
    this.#runner = new Runner(gpu, llama, pool);
    this.masked = new MaskedSteps(this.#runner);
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
    return this.#runner.cache.rows.promptLength;
  }

  /** Whether each read-back waits for more than the GPU; see `readback.ts`. */
  get isAwaited(): boolean {
    return !this.#gpu.syncReadback;
  }

  /** What a read-back takes beside a step of a small model, about. */
  get readbackCost(): number {
    if (this.isAwaited) return 1;
    return this.#gpu.info.isFallbackAdapter ? 0.08 : 0.02;
  }

  /** Tokens in the cache. */
  get length(): number {
    return this.#runner.cache.rows.length;
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
    return this.#runner.cache.buffers;
  }

  /** Whether its cache is freed. */
  get isDisposed(): boolean {
    return this.#runner.isDisposed;
  }

  /** Tokens that the cache has room for. */
  get room(): number {
    return this.#llama.context - this.length;
  }

  /** Bytes of GPU memory in the cache and the read-back buffers. */
  get bytes(): number {
    return this.#pool.bytes + this.#runner.results.bytes +
      this.#runner.chooser.bytes;
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
    this.#runner.cache.rows.truncate(length);
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
    return this.#runner.cache.rows.shared(ids, promptLength);
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
    this.#runner.chooser.set(choice, history);
    this.#runner.chosen = chosen;
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
    const read = () => this.#runner.results.done();
    await runPrompt(this.#runner, ids, { then: "nothing", read, ...options });
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
    const read = () => this.#runner.results.ids(1);
    const all = { then: "choose", read, ...options } as const;
    const [id] = await runPrompt(this.#runner, ids, all);
    this.#runner.chosen++;
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
    const read = () => this.#runner.results.logits(1);
    const all = { then: "logits", read, ...options } as const;
    return await runPrompt(this.#runner, ids, all);
  }

  /**
   * Appends one token as a step and reads what the model says of the next.
   *
   * @param id The token.
   * @returns The logits, `[vocabularySize]`.
   */
  async stepLogits(id: number): Promise<Float32Array> {
    this.#runner.step([id], { then: "logits" });
    return await this.#runner.results.logits(1);
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
      this.#runner.submit({ ids: part, kind: "step", head, then: "nothing" });
      this.#runner.cache.rows.appendSteps(part);
      await this.#runner.results.done();
      onProgress?.({ processed: this.length, total });
      await nextTurn();
      signal?.throwIfAborted();
    }
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
    this.#runner.submit(work);
    const next = this.length + ids.length + count - 1;
    if (ahead > 0 && next + ahead <= this.context) {
      // The GPU is busy now.
      this.#runner.prepare({ ...work, ids: [0], steps: ahead }, next);
    }
    const chosen = await this.#runner.results.ids(count);
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
    this.#runner.cache.rows.appendSteps([...ids, ...chosen.slice(0, -1)]);
    this.#runner.chosen += chosen.length;
  }

  /**
   * Makes it a part of a step in which several sequences have a row each.
   *
   * @param lane Which part.
   * @returns What the step needs of it.
   */
  join(lane: number): LaneRow {
    this.#runner.checkAlive();
    this.#runner.chooser.setLane(lane);
    return {
      attention: this.#runner.cache.lane(lane),
      choose: this.#runner.chooser.kernel,
      position: this.length,
      chosen: this.#runner.chosen,
    };
  }

  /** Copies the rows that are known to the CPU. */
  async snapshot(): Promise<KvSnapshot> {
    try {
      const snapshot = await this.#runner.cache.snapshot();
      this.#runner.checkAlive();
      return snapshot;
    } catch (error) {
      throw this.#runner.isDisposed ? disposedError() : error;
    }
  }

  /** Takes the rows of a snapshot in place of its own. */
  restore(snapshot: KvSnapshot): void {
    this.#runner.checkAlive();
    this.#runner.cache.restore(snapshot);
  }

  /** Takes the rows of another sequence in place of its own. */
  copy(other: Sequence): void {
    this.#runner.checkAlive();
    other.#runner.checkAlive();
    this.#runner.cache.copy(other.#runner.cache);
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
    this.#runner.submit(work);
    // If all are right, as many are likely to be guessed again.
    const next = this.length + ids.length;
    if (next + ids.length <= this.context) this.#runner.prepare(work, next);
    const chosen = await this.#runner.results.ids(ids.length);
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
  logits(
    ids: readonly number[],
    options: PromptOptions = {},
  ): AsyncGenerator<Float32Array> {
    return runPromptLogits(this.#runner, ids, options);
  }

  /** Frees the cache. */
  [Symbol.dispose](): void {
    this.#runner[Symbol.dispose]();
    this.#pool[Symbol.dispose]();
  }
}
