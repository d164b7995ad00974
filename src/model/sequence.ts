import { BufferPool, formatBytes } from "../gpu/buffers.ts";
import type { Gpu } from "../gpu/gpu.ts";
import { createReadback, type Readback } from "../gpu/readback.ts";
import { checkIds } from "./check_ids.ts";
import { createKvBuffers, kvBytes } from "./kv_buffers.ts";
import type { BoundAttention, Llama, LlamaBatch } from "./llama.ts";
import { nextTurn } from "../gpu/next_turn.ts";
import { writeControl } from "./state.ts";

/** Options for {@linkcode Sequence.append} and {@linkcode Sequence.logits}. */
export interface AppendOptions {
  /** Stops between batches; what was appended before stays. */
  signal?: AbortSignal | undefined;
}

/**
 * One line of tokens and its KV cache.
 *
 * Sequences of one model share its activations, as each step is submitted as a
 * whole; no two calls on one sequence may overlap.
 */
export class Sequence implements Disposable {
  readonly #gpu: Gpu;
  readonly #llama: Llama;
  readonly #pool: BufferPool;
  readonly #attention: readonly BoundAttention[];
  readonly #readback: Readback;
  // A decode step, encoded while the GPU was at the one before it.
  #decode: { commands: GPUCommandBuffer; position: number } | undefined;
  #length = 0;
  #disposed = false;

  private constructor(gpu: Gpu, llama: Llama, pool: BufferPool) {
    this.#gpu = gpu;
    this.#llama = llama;
    this.#pool = pool;
    this.#attention = llama.bindCache(createKvBuffers(pool, llama));
    const { headRows } = llama.state;
    this.#readback = createReadback(gpu.device, {
      size: 4 * headRows * llama.config.vocabularySize,
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

  /** Bytes of GPU memory in the cache and the read-back buffer. */
  get bytes(): number {
    return this.#pool.bytes + this.#readback.buffer.size;
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
  }

  /**
   * Appends tokens.
   *
   * @param ids Their ids, at least one.
   * @param options Interruption.
   * @returns The logits after the last of them, `[vocabularySize]`.
   * @throws {RangeError} If there are none, too many, or one is out of range.
   */
  async append(
    ids: readonly number[],
    { signal }: AppendOptions = {},
  ): Promise<Float32Array> {
    this.#check(ids);
    const { batch } = this.#llama.state;
    let first = 0;
    for (; first + batch < ids.length; first += batch) {
      await this.#step(ids.slice(first, first + batch), 0);
      await nextTurn();
      signal?.throwIfAborted();
    }
    const read = await this.#step(ids.slice(first), 1);
    return new Float32Array(read);
  }

  /**
   * Appends tokens and gives the logits after each.
   *
   * @param ids Their ids, at least one.
   * @param options Interruption.
   * @returns One array of `[vocabularySize]` a token, in order.
   * @throws {RangeError} If there are none, too many, or one is out of range.
   */
  async *logits(
    ids: readonly number[],
    { signal }: AppendOptions = {},
  ): AsyncGenerator<Float32Array> {
    this.#check(ids);
    const { state, config } = this.#llama;
    // All logits of a batch are read at once: another sequence may run next.
    const most = Math.min(state.batch, state.headRows);
    for (let first = 0; first < ids.length; first += most) {
      const batch = ids.slice(first, first + most);
      const logits = new Float32Array(await this.#step(batch, batch.length));
      for (let row = 0; row < batch.length; row++) {
        const start = row * config.vocabularySize;
        yield logits.subarray(start, start + config.vocabularySize);
      }
      await nextTurn();
      signal?.throwIfAborted();
    }
  }

  /** Frees the cache. */
  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#decode = undefined;
    this.#readback.buffer.destroy();
    this.#pool[Symbol.dispose]();
  }

  #check(ids: readonly number[]): void {
    const { context, config: { vocabularySize } } = this.#llama;
    if (ids.length === 0) {
      throw new RangeError("Cannot append: there are no tokens, one is wanted");
    }
    if (this.#length + ids.length > context) {
      throw new RangeError(
        `Cannot append ${ids.length} tokens to ${this.#length}: the context has ${context}`,
      );
    }
    checkIds("append", ids, vocabularySize);
  }

  /** Runs one batch and reads back the logits of its last rows. */
  #step(
    ids: readonly number[],
    headRows: number,
  ): Promise<ArrayBuffer> {
    if (this.#disposed) {
      throw new TypeError("Cannot use model: it is disposed of");
    }
    const { device } = this.#gpu;
    const rows = ids.length;
    const position = this.#length;
    const decode = rows === 1 && headRows === 1;
    const commands = decode && this.#decode?.position === position
      ? this.#decode.commands
      : this.#encode({
        rows,
        position,
        kind: decode ? "step" : "prompt",
      }, headRows);
    this.#decode = undefined; // commands can be submitted once
    writeControl(device, this.#llama.state, {
      ids,
      position,
      headFirst: rows - headRows,
      headRows,
    });
    device.queue.submit([commands]);
    this.#length += rows;
    // The GPU is busy now: encode the next step before waiting for this one.
    this.#decode = decode ? this.#encodeDecode() : undefined;
    return this.#read(headRows);
  }

  async #read(headRows: number): Promise<ArrayBuffer> {
    const { health } = this.#gpu;
    let logits: ArrayBuffer;
    try {
      logits = await this.#readback.read(this.#logitsBytes(headRows));
    } catch (cause) {
      health.problem ??= cause instanceof Error ? cause.message : `${cause}`;
      throw new Error(`Cannot run the model: ${health.problem}`, { cause });
    }
    // Better no answer than one from a command that failed.
    if (health.problem !== undefined) {
      throw new Error(`Cannot run the model: ${health.problem}`);
    }
    return logits;
  }

  /** Encodes the decode step behind what is in the cache, where there is room. */
  #encodeDecode() {
    const position = this.#length;
    if (position === this.#llama.context) return undefined;
    const batch = { rows: 1, position, kind: "step" } as const;
    return { commands: this.#encode(batch, 1), position };
  }

  #encode(
    batch: LlamaBatch,
    headRows: number,
  ): GPUCommandBuffer {
    const { state } = this.#llama;
    const encoder = this.#gpu.device.createCommandEncoder({ label: "step" });
    const pass = encoder.beginComputePass({ label: "step" });
    this.#llama.forward(pass, this.#attention, batch);
    if (headRows > 0) {
      this.#llama.head(pass, headRows, headRows === 1 ? "step" : "prompt");
    }
    pass.end();
    const bytes = this.#logitsBytes(headRows);
    encoder.copyBufferToBuffer(
      state.logits,
      0,
      this.#readback.buffer,
      0,
      bytes,
    );
    return encoder.finish({ label: "step" });
  }

  /** Bytes to read back; without logits a few all the same, to wait for. */
  #logitsBytes(headRows: number): number {
    return Math.max(4, 4 * headRows * this.#llama.config.vocabularySize);
  }
}
