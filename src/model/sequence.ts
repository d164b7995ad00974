import { BufferPool, formatBytes } from "../gpu/buffers.ts";
import type { Gpu } from "../gpu/gpu.ts";
import type { BoundKernel } from "../gpu/kernel.ts";
import { nextTurn } from "../gpu/next_turn.ts";
import { createReadback, type Readback } from "../gpu/readback.ts";
import type { RowKind } from "../kernels/batch.ts";
import { controlWords } from "../kernels/control.ts";
import {
  type BoundSample,
  chosenIds,
  createSampleBuffers,
  type SampleBuffers,
  type SampleShape,
  writeRule,
} from "../kernels/sample.ts";
import { MAX_CHOICES, type SampleRule } from "../kernels/sample_cpu.ts";
import { checkIds } from "./check_ids.ts";
import { createKvBuffers, kvBytes } from "./kv_buffers.ts";
import type { BoundAttention, Llama } from "./llama.ts";
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

/** Most chunks that wait for their turn. */
const MOST_ENCODED = 8;

/** One submission: what it computes, and what is read back. */
interface Work {
  /** Ids of the rows. */
  ids: readonly number[];
  /** How they are added up. */
  kind: RowKind;
  /** Last rows whose logits are wanted, and how those are added up. */
  head: { rows: number; kind: RowKind };
  /** What is done with the logits; `"nothing"` where there are none. */
  then: "choose" | "logits" | "nothing";
  /** Steps, which go on with what was chosen. Defaults to 1. */
  steps?: number;
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
  readonly #attention: readonly BoundAttention[];
  readonly #sampleShape: SampleShape;
  readonly #sampleBuffers: SampleBuffers;
  readonly #sample: BoundSample;
  readonly #ids: Readback;
  // Logits are large, and few generations read them.
  #logits: Readback | undefined;
  #choose: BoundKernel;
  // Tokens chosen since the rule was set.
  #chosen = 0;
  // Steps that were encoded while the GPU was busy, by what they depend on. Those
  // that a text ended before are there for the next one: nothing else would free
  // them before the next garbage collection.
  readonly #encoded = new Map<string, GPUCommandBuffer>();
  // The ids of the rows at the start of the cache that ran as a prompt.
  #prompt: number[] = [];
  #length = 0;
  #disposed = false;

  private constructor(gpu: Gpu, llama: Llama, pool: BufferPool) {
    this.#gpu = gpu;
    this.#llama = llama;
    this.#pool = pool;
    this.#attention = llama.bindCache(createKvBuffers(pool, llama));
    this.#sampleShape = {
      size: llama.tokens,
      stride: llama.config.vocabularySize,
      context: llama.context,
    };
    this.#sampleBuffers = createSampleBuffers(pool, this.#sampleShape);
    const { logits, control, chosen } = llama.state;
    this.#sample = llama.sample.bind({
      logits,
      control,
      chosen,
      own: this.#sampleBuffers,
    });
    this.#choose = this.#sample.argmax;
    this.#ids = createReadback(gpu.device, {
      size: 4 * MAX_CHUNK,
      sync: gpu.syncReadback,
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
    this.#choose = isArgmax ? this.#sample.argmax : this.#sample.sample;
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
    this.#encodeAhead(work);
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
    if (ahead > 0) this.#encodeAhead({ ...work, ids: [0], steps: ahead });
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
    this.#encoded.clear();
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

  /** Submits one piece of work, encoded ahead or now. */
  #submit(work: Work): void {
    if (this.#disposed) {
      throw new TypeError("Cannot use model: it is disposed of");
    }
    const { ids, head } = work;
    const { queue } = this.#gpu.device;
    const key = this.#keyOf(work);
    const commands = this.#encoded.get(key) ?? this.#encode(work);
    this.#encoded.delete(key); // commands can be submitted once
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

  /** The GPU is busy now: encode what is likely to come, if there is room. */
  #encodeAhead(work: Work): void {
    const key = this.#keyOf(work);
    if ((work.steps ?? 1) > this.room || this.#encoded.has(key)) return;
    this.#encoded.set(key, this.#encode(work));
    if (this.#encoded.size <= MOST_ENCODED) return;
    const [oldest] = this.#encoded.keys();
    this.#encoded.delete(oldest!);
  }

  /** What the commands of a piece of work depend on. */
  #keyOf({ ids, kind, head, then, steps = 1 }: Work): string {
    if (kind === "prompt") return ""; // it is not encoded ahead
    const choice = this.#choose === this.#sample.argmax ? "argmax" : "sample";
    const start = { rows: ids.length, position: this.#length };
    const parts = [this.#llama.partsAt(start)];
    for (let step = 1; step < steps; step++) {
      const position = this.#length + ids.length + step - 1;
      parts.push(this.#llama.partsAt({ rows: 1, position }));
    }
    return [ids.length, head.rows, then, choice, ...parts].join();
  }

  #encode({ ids, kind, head, then, steps = 1 }: Work): GPUCommandBuffer {
    const llama = this.#llama;
    const { state } = llama;
    const encoder = this.#gpu.device.createCommandEncoder({ label: "step" });
    const pass = encoder.beginComputePass({ label: "step" });
    let position = this.#length;
    llama.forward(pass, this.#attention, { rows: ids.length, position, kind });
    if (head.rows > 0) llama.head(pass, head.rows, head.kind);
    if (then === "choose") {
      for (let row = 0; row < head.rows; row++) this.#choose(pass);
    }
    position += ids.length;
    for (let step = 1; step < steps; step++, position++) {
      const row = { rows: 1, position, kind: "step" } as const;
      llama.forward(pass, this.#attention, row);
      llama.head(pass, 1, "step");
      this.#choose(pass);
    }
    pass.end();
    if (then === "logits") {
      const { buffer } = this.#logitsReadback();
      const bytes = this.#logitsBytes(head.rows);
      encoder.copyBufferToBuffer(state.logits, 0, buffer, 0, bytes);
    } else {
      const count = Math.max(1, head.rows + steps - 1);
      const { buffer } = this.#ids;
      encoder.copyBufferToBuffer(state.chosen, 0, buffer, 0, 4 * count);
    }
    return encoder.finish({ label: "step" });
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
