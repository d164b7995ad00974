import type { BufferPool } from "../gpu/buffers.ts";
import type { Gpu } from "../gpu/gpu.ts";
import {
  createKvBuffers,
  type KvBuffers,
  positionBytes,
} from "./kv_buffers.ts";
import { copyKv, type KvSnapshot, readKv, writeKv } from "./kv_snapshot.ts";
import type { BoundAttention, Llama } from "./llama.ts";
import { RowIds } from "./row_ids.ts";

/** The KV cache of one sequence, and what its rows are. */
export class SequenceCache {
  /** The buffers. */
  readonly buffers: KvBuffers;
  /** Attention of every layer, bound to the cache. */
  readonly attention: readonly BoundAttention[];
  /** The tokens of the rows. */
  readonly rows: RowIds = new RowIds();
  readonly #gpu: Gpu;
  readonly #llama: Llama;
  readonly #lanes: (readonly BoundAttention[])[] = [];

  /**
   * Allocates an empty cache.
   *
   * @param gpu The model's device.
   * @param llama The model.
   * @param pool Owns the buffers.
   */
  constructor(gpu: Gpu, llama: Llama, pool: BufferPool) {
    this.#gpu = gpu;
    this.#llama = llama;
    this.buffers = createKvBuffers(pool, llama);
    this.attention = llama.bindCache(this.buffers);
  }

  /** The same attention for a part of a batch. */
  lane(lane: number): readonly BoundAttention[] {
    return this.#lanes[lane] ??= this.#llama.bindCache(this.buffers, lane);
  }

  /** Copies the rows that are known to the CPU. */
  async snapshot(): Promise<KvSnapshot> {
    const { promptLength, knownLength } = this.rows;
    const ids = this.rows.ids.slice(0, knownLength);
    const bytes = this.#bytes(knownLength);
    const layers = await readKv(this.#gpu, this.buffers, bytes);
    return { ids, promptLength, layers };
  }

  /** Takes the rows of a snapshot in place of its own. */
  restore({ ids, promptLength, layers }: KvSnapshot): void {
    this.#note(ids, promptLength);
    writeKv(this.#gpu, this.buffers, layers);
  }

  /** Takes the rows of another cache in place of its own. */
  copy({ buffers, rows }: SequenceCache): void {
    const { ids, promptLength, knownLength } = rows;
    this.#note(ids.slice(0, knownLength), promptLength);
    const bytes = this.#bytes(knownLength);
    copyKv(this.#gpu, { from: buffers, to: this.buffers, bytes });
  }

  /** Bytes of so many rows of k, or of v, in one layer. */
  #bytes(rows: number): number {
    return rows * positionBytes(this.#llama.config, this.#llama.kv);
  }

  #note(ids: readonly number[], promptLength: number): void {
    this.rows.truncate(0);
    this.rows.appendPrompt(ids.slice(0, promptLength));
    this.rows.appendSteps(ids.slice(promptLength));
  }
}
