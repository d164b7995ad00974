import { GpuMemoryError } from "../gpu/buffers.ts";
import type { Gpu } from "../gpu/gpu.ts";
import type { Llama } from "../model/llama.ts";
import { Sequence } from "../model/sequence.ts";
import { checkSystemMemory } from "./memory.ts";

/**
 * The sequences of a model: lent to one user at a time, and kept behind that for
 * prompts that begin alike.
 */
export class Sequences implements Disposable {
  readonly #gpu: Gpu;
  readonly #llama: Llama;
  readonly #most: number;
  readonly #budget: number;
  /** Bytes of a new sequence. */
  readonly #size: number;
  /** Those that nobody uses, the one that was used last at the end. */
  readonly #idle: Sequence[];
  readonly #busy = new Set<Sequence>();
  /** Those that are held for the owners of timelines. */
  readonly #held = new Set<Sequence>();
  /** Bytes of those that are on their way. */
  #creating = 0;
  #shrunk: Promise<void> = Promise.resolve();
  #disposed = false;
  /** Frees a sequence that is held, where that is possible; never rejects. */
  onFull: () => Promise<boolean> = () => Promise.resolve(false);

  /**
   * Creates {@linkcode Sequences}.
   *
   * @param model The model on its device.
   * @param first A first sequence.
   * @param limits How many are kept while nobody uses them, and the bytes of
   * GPU memory beyond which those that are not in use are freed.
   */
  constructor(
    { gpu, llama }: { gpu: Gpu; llama: Llama },
    first: Sequence,
    { most, budget }: { most: number; budget: number },
  ) {
    this.#gpu = gpu;
    this.#llama = llama;
    this.#idle = [first];
    this.#most = most;
    this.#budget = budget;
    this.#size = first.bytes;
  }

  /** Bytes of GPU memory in all of them. */
  get bytes(): number {
    return [...this.#idle, ...this.#busy, ...this.#held]
      .reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /**
   * Lends a sequence: the one that shares most with a prompt, or else a new one
   * where one more may be kept, or else the one that was not used for longest.
   * What most prompts begin with, such as BOS, is not enough to share.
   *
   * @param ids The prompt; none takes what nobody uses.
   * @returns The sequence; what it has of other texts is still in it.
   * @throws {GpuMemoryError} If there is no room for a new one.
   */
  async acquire(ids: readonly number[]): Promise<Sequence> {
    this.#checkAlive();
    const idle = this.#takeIdle(ids);
    if (idle === undefined) return await this.#create(this.#busy);
    this.#busy.add(idle);
    return idle;
  }

  /**
   * Gives an empty sequence to who keeps it.
   *
   * @returns The sequence; {@linkcode Sequences.drop} frees it.
   * @throws {GpuMemoryError} If there is no room for it.
   */
  async hold(): Promise<Sequence> {
    this.#checkAlive();
    return await this.#create(this.#held);
  }

  /** Frees a sequence that was held. */
  drop(sequence: Sequence): void {
    this.#held.delete(sequence);
    sequence[Symbol.dispose]();
  }

  /** Takes a sequence back. */
  release(sequence: Sequence): void {
    if (!this.#busy.delete(sequence)) return; // all are disposed of
    this.#idle.push(sequence);
    if (this.#idle.length > this.#most) this.#idle.shift()![Symbol.dispose]();
    this.shrink();
  }

  /**
   * Frees what nobody uses until the budget is kept.
   *
   * @returns A promise that resolves when that is so, or nothing is left to
   * free; it never rejects.
   */
  shrink(): Promise<void> {
    // One after the other: what moves to the CPU counts until it is there.
    this.#shrunk = this.#shrunk.then(async () => {
      while (this.#isOver && await this.#freeOne());
    });
    return this.#shrunk;
  }

  /** Frees all of them, also those that are lent. */
  [Symbol.dispose](): void {
    this.#disposed = true;
    const all = [...this.#idle, ...this.#busy, ...this.#held];
    for (const one of all) one[Symbol.dispose]();
    this.#idle.length = 0;
    this.#busy.clear();
    this.#held.clear();
  }

  /** Creates a sequence, and frees others for it where there is no room. */
  async #create(owner: Set<Sequence>): Promise<Sequence> {
    this.#creating += this.#size;
    try {
      if (this.#isOver) await this.shrink();
      while (true) {
        this.#checkAlive();
        try {
          checkSystemMemory(this.#gpu, "another KV cache", this.#size);
          const sequence = await Sequence.create(this.#gpu, this.#llama);
          if (this.#disposed) sequence[Symbol.dispose](); // it came too late
          this.#checkAlive();
          owner.add(sequence);
          return sequence;
        } catch (error) {
          const isFull = error instanceof GpuMemoryError;
          if (!isFull || !await this.#freeOne()) throw error;
        }
      }
    } finally {
      this.#creating -= this.#size;
    }
  }

  get #isOver(): boolean {
    return !this.#disposed && this.bytes + this.#creating > this.#budget;
  }

  /** Frees a sequence that nobody uses, where there is one. */
  async #freeOne(): Promise<boolean> {
    const idle = this.#idle.shift();
    idle?.[Symbol.dispose]();
    return idle !== undefined || await this.onFull();
  }

  #takeIdle(ids: readonly number[]): Sequence | undefined {
    const shared = this.#idle.map((sequence) => {
      const length = sequence.shared(ids);
      const isMuch = 2 * length >= Math.min(ids.length, sequence.promptLength);
      return isMuch ? length : 0;
    });
    const most = Math.max(0, ...shared);
    const isFull = this.#idle.length + this.#busy.size >= this.#most;
    // The first one is that which was not used for longest.
    const index = most > 0
      ? shared.indexOf(most)
      : isFull || ids.length === 0
      ? 0
      : -1;
    return index < 0 ? undefined : this.#idle.splice(index, 1)[0];
  }

  #checkAlive(): void {
    if (this.#disposed) {
      throw new TypeError("Cannot use model: it is disposed of");
    }
  }
}
