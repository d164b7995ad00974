import type { BufferPool } from "../gpu/buffers.ts";
import type { Gpu } from "../gpu/gpu.ts";
import { controlWords } from "../kernels/control.ts";
import { Chooser } from "./chooser.ts";
import type { Llama } from "./llama.ts";
import { Recorder, type Work } from "./recorder.ts";
import { disposedError, Results } from "./results.ts";
import { SequenceCache } from "./sequence_cache.ts";

/** Submits the work of one sequence, and keeps the books of its cache. */
export class Runner implements Disposable {
  /** The model. */
  readonly llama: Llama;
  /** The cache that work reads and extends. */
  readonly cache: SequenceCache;
  /** The choice of tokens. */
  readonly chooser: Chooser;
  /** What is read back. */
  readonly results: Results;
  /** Tokens chosen since the rule was set. */
  chosen = 0;
  readonly #gpu: Gpu;
  readonly #recorder: Recorder;
  #isDisposed = false;

  /**
   * Creates a {@linkcode Runner}.
   *
   * @param gpu The model's device.
   * @param llama The model.
   * @param pool Owns the buffers of the cache and of the choice.
   */
  constructor(gpu: Gpu, llama: Llama, pool: BufferPool) {
    this.#gpu = gpu;
    this.llama = llama;
    this.cache = new SequenceCache(gpu, llama, pool);
    this.chooser = new Chooser(gpu, llama, pool);
    this.results = new Results(gpu, llama);
    this.#recorder = new Recorder({
      device: gpu.device,
      llama,
      attention: this.cache.attention,
      chooser: this.chooser,
      results: this.results,
    });
  }

  /** Tokens in the cache. */
  get length(): number {
    return this.cache.rows.length;
  }

  /** Tokens that the cache has room for. */
  get room(): number {
    return this.llama.context - this.length;
  }

  /** Whether it is gone. */
  get isDisposed(): boolean {
    return this.#isDisposed;
  }

  /** @throws {TypeError} If it is gone. */
  checkAlive(): void {
    if (this.#isDisposed) throw disposedError();
  }

  /** Submits one piece of work behind what is in the cache. */
  submit(work: Work): void {
    this.checkAlive();
    const { ids, head } = work;
    const { queue } = this.#gpu.device;
    this.chooser.setLane(undefined);
    const commands = this.#recorder.take(work, this.length);
    const words = controlWords({
      ids,
      position: this.length,
      headFirst: ids.length - head.rows,
      headRows: head.rows,
      chosen: this.chosen,
    });
    queue.writeBuffer(this.llama.state.control, 0, words);
    queue.submit([commands]);
  }

  /** Encodes work that is likely to come at a position, while the GPU is busy. */
  prepare(work: Work, position: number): void {
    this.#recorder.prepare(work, position);
  }

  /** Submits tokens as steps, and encodes what is likely to come behind them. */
  step(
    ids: readonly number[],
    how: Pick<Work, "then" | "isMasked" | "steps">,
  ): void {
    const head = { rows: 1, kind: "step" } as const;
    const work: Work = { ids, kind: "step", head, ...how };
    this.submit(work);
    this.cache.rows.appendSteps(ids);
    const { steps = 1 } = how;
    const next = this.length + steps - 1;
    if (next + steps <= this.llama.context) {
      this.prepare({ ...work, ids: [0] }, next);
    }
  }

  /** Submits rows of a prompt, and takes note of them. */
  appendRows(work: Work): void {
    this.submit(work);
    this.cache.rows.appendPrompt(work.ids);
  }

  /** Frees all but the pool's buffers. */
  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#recorder.clear();
    this.results[Symbol.dispose]();
    this.chooser[Symbol.dispose]();
  }
}
