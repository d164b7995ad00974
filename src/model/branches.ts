import type { BufferPool } from "../gpu/buffers.ts";
import type { Gpu } from "../gpu/gpu.ts";
import { createReadback, type Readback } from "../gpu/readback.ts";
import { branchWords } from "../kernels/batch.ts";
import { controlWords } from "../kernels/control.ts";
import {
  createLogprob,
  JOB_BYTES,
  jobWords,
  type Logprob,
  type LogprobJob,
  readLogprobs,
  RESULT_BYTES,
} from "../kernels/logprob.ts";
import type { BranchPass } from "./branch_plan.ts";
import type { KvBuffers } from "./kv_buffers.ts";
import type { BoundAttention, Llama } from "./llama.ts";
import { disposedError, readBack } from "./results.ts";

/** What a {@linkcode Branches} works on. */
export interface BranchesOptions {
  /** The device. */
  gpu: Gpu;
  /** The model. */
  llama: Llama;
  /** Has the keys of the prefix but its last token; what follows is overwritten. */
  cache: KvBuffers;
  /** Owns the buffers. */
  pool: BufferPool;
  /** Most rows of a pass; where logits are read, at most `state.headRows`. */
  most: number;
  /** Whether all logits are read, and not only the probability of each token. */
  readsLogits: boolean;
  /** Whether the model is gone. */
  isDisposed: () => boolean;
}

/** What the model says behind the rows of a pass. */
export interface BranchResults {
  /** The logits behind the prefix, `[vocabularySize]`, with its last token. */
  stem: Float32Array | undefined;
  /** The rows of continuations, in order: the logits, or what they say. */
  rows: (Float32Array | Logprob)[];
}

/** Runs continuations of one prefix, many in a pass. */
export class Branches implements Disposable {
  readonly #options: BranchesOptions;
  readonly #attention: readonly BoundAttention[];
  readonly #readback: Readback;
  readonly #jobs: GPUBuffer;
  readonly #results: GPUBuffer;
  readonly #range: GPUBuffer;
  readonly #ask: (pass: GPUComputePassEncoder, jobs: number) => void;

  private constructor(
    options: BranchesOptions,
    kernel: Awaited<ReturnType<typeof createLogprob>>,
  ) {
    const { gpu, llama, cache, pool, most, readsLogits } = options;
    this.#options = options;
    this.#attention = llama.bindCache(cache);
    this.#jobs = pool.create({ label: "jobs", size: JOB_BYTES * most });
    this.#results = pool.create({
      label: "logprobs",
      size: RESULT_BYTES * most,
    });
    this.#range = pool.create({
      label: "range",
      size: 8,
      usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    });
    this.#ask = kernel.bind({
      logits: llama.state.logits,
      jobs: this.#jobs,
      results: this.#results,
      range: this.#range,
    });
    const rowBytes = 4 * llama.config.vocabularySize;
    this.#readback = createReadback(gpu.device, {
      size: readsLogits ? most * rowBytes : rowBytes + RESULT_BYTES * most,
      sync: gpu.syncReadback,
    });
  }

  /**
   * Prepares passes.
   *
   * @param options What they work on.
   * @returns What runs them; dispose of it to free its read-back buffer.
   * @throws {GpuMemoryError} If the GPU has no room for its buffers.
   */
  static async create(options: BranchesOptions): Promise<Branches> {
    const { gpu, pool, llama: { config, tokens } } = options;
    const shape = { stride: config.vocabularySize, tokens };
    const kernel = await createLogprob({ gpu, pool }, shape);
    const branches = new Branches(options, kernel);
    try {
      await pool.check("the results of a score");
    } catch (error) {
      branches[Symbol.dispose]();
      throw error;
    }
    return branches;
  }

  /**
   * Runs a pass.
   *
   * @param pass Its rows.
   * @param next The token behind each row of a continuation, in order.
   * @returns What the model says.
   * @throws {Error} If it computed what is no number.
   */
  async run(
    pass: BranchPass,
    next: readonly number[],
  ): Promise<BranchResults> {
    const { gpu, llama, readsLogits, isDisposed } = this.#options;
    if (isDisposed()) throw disposedError();
    const bytes = this.#submit(pass, next);
    const data = await readBack(gpu, this.#readback, { bytes, isDisposed });
    const width = llama.config.vocabularySize;
    const hasStem = pass.rows.length > next.length;
    if (readsLogits) {
      const all = new Float32Array(data);
      const rows = pass.rows.map((_, i) =>
        all.subarray(i * width, (i + 1) * width)
      );
      return { stem: hasStem ? rows.shift() : undefined, rows };
    }
    const stem = hasStem ? new Float32Array(data, 0, width) : undefined;
    return { stem, rows: readLogprobs(data.slice(hasStem ? 4 * width : 0)) };
  }

  /** Frees the read-back buffer. */
  [Symbol.dispose](): void {
    this.#readback.buffer.destroy();
  }

  /**
   * Submits a pass: all of its layers, then the head, as many rows at a time as
   * there is room for logits. Nobody else can come in between.
   *
   * @returns Bytes to read back.
   */
  #submit(
    { position, fork, rows }: BranchPass,
    next: readonly number[],
  ): number {
    const { gpu: { device }, llama, readsLogits } = this.#options;
    const { state, config: { vocabularySize } } = llama;
    const { queue } = device;
    const stem = rows.length - next.length;
    const rowBytes = 4 * vocabularySize;
    const jobs = next.map((id, i): LogprobJob => ({
      row: (i + stem) % state.headRows,
      id,
    }));
    queue.writeBuffer(state.branches, 0, branchWords(rows.map((r) => r.gap)));
    // Deno panics at a write of nothing.
    if (jobs.length > 0) queue.writeBuffer(this.#jobs, 0, jobWords(jobs));
    const ids = rows.map(({ id }) => id);
    for (let first = 0; first < rows.length; first += state.headRows) {
      const count = Math.min(state.headRows, rows.length - first);
      const firstJob = Math.max(0, first - stem);
      const asked = readsLogits ? 0 : first + count - stem - firstJob;
      const head = { headFirst: first, headRows: count };
      queue.writeBuffer(
        state.control,
        0,
        controlWords({ ids, position, fork, ...head }),
      );
      queue.writeBuffer(this.#range, 0, Uint32Array.of(firstJob, asked));
      const encoder = device.createCommandEncoder({ label: "branches" });
      const pass = encoder.beginComputePass({ label: "branches" });
      if (first === 0) {
        const part = { rows: rows.length, position };
        llama.forward(pass, {
          kind: "prompt",
          parts: [{ ...part, attention: this.#attention }],
        });
      }
      llama.head(pass, count, "prompt");
      if (asked > 0) this.#ask(pass, asked);
      pass.end();
      const read = readsLogits ? count : first === 0 ? stem : 0;
      if (read > 0) {
        const { buffer } = this.#readback;
        encoder.copyBufferToBuffer(state.logits, 0, buffer, 0, read * rowBytes);
      }
      queue.submit([encoder.finish({ label: "branches" })]);
    }
    if (readsLogits) return rows.length * rowBytes;
    const [start, size] = [stem * rowBytes, RESULT_BYTES * next.length];
    if (size === 0) return start;
    const encoder = device.createCommandEncoder({ label: "logprobs" });
    const { buffer } = this.#readback;
    encoder.copyBufferToBuffer(this.#results, 0, buffer, start, size);
    queue.submit([encoder.finish({ label: "logprobs" })]);
    return start + size;
  }
}
