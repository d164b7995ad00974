import type { KvSnapshot } from "../model/kv_snapshot.ts";
import type { Sequence } from "../model/sequence.ts";
import type { Sequences } from "./sequences.ts";

/** One line of tokens whose KV cache is kept for its owner. */
interface Timeline {
  /** Its cache on the GPU … */
  sequence: Sequence | undefined;
  /** … or in the CPU's memory, where it has been used. */
  snapshot: KvSnapshot | undefined;
  /** Whether somebody uses it. */
  isBusy: boolean;
  /** Resolves when what moves it has ended; never rejects. */
  moved: Promise<unknown>;
}

/**
 * The timelines of a model, by numbers. Those that were not used for longest
 * move to the CPU where the GPU has no room for all.
 */
export class Timelines {
  readonly #sequences: Sequences;
  /** The one that was used last at the end. */
  readonly #timelines = new Map<number, Timeline>();
  #next = 0;

  /**
   * Creates {@linkcode Timelines}.
   *
   * @param sequences Where their caches come from.
   */
  constructor(sequences: Sequences) {
    this.#sequences = sequences;
    sequences.onFull = () => this.#evict();
  }

  /**
   * Opens a timeline.
   *
   * @param snapshot What is in it. Defaults to nothing.
   * @returns Its number.
   */
  open(snapshot?: KvSnapshot): number {
    const id = this.#next++;
    this.#timelines.set(id, {
      sequence: undefined,
      snapshot,
      isBusy: false,
      moved: Promise.resolve(),
    });
    return id;
  }

  /** Closes a timeline and frees its cache, or does so when its user is done. */
  close(id: number): void {
    const timeline = this.#timelines.get(id);
    if (timeline === undefined) return;
    this.#timelines.delete(id);
    if (!timeline.isBusy) this.#free(timeline);
  }

  /**
   * Lends the cache of a timeline, on the GPU.
   *
   * @param id The timeline.
   * @returns The cache, and its end.
   * @throws {TypeError} If somebody uses it, or there is no such timeline.
   * @throws {GpuMemoryError} If there is no room for it.
   */
  async acquire(id: number): Promise<Disposable & { sequence: Sequence }> {
    const timeline = this.#begin(id);
    try {
      const sequence = await this.#load(timeline);
      return {
        sequence,
        [Symbol.dispose]: () => this.#end(id, timeline),
      };
    } catch (error) {
      this.#end(id, timeline);
      throw error;
    }
  }

  /**
   * Copies a timeline.
   *
   * @param id The timeline.
   * @returns The number of the copy.
   * @throws {TypeError} If somebody uses it, or there is no such timeline.
   * @throws {GpuMemoryError} If there is no room for it.
   */
  async fork(id: number): Promise<number> {
    const timeline = this.#begin(id);
    try {
      await timeline.moved;
      const fork = this.open(timeline.snapshot);
      try {
        if (timeline.sequence !== undefined) {
          using lent = await this.acquire(fork);
          lent.sequence.copy(timeline.sequence);
        }
      } catch (error) {
        this.close(fork);
        throw error;
      }
      return fork;
    } finally {
      this.#end(id, timeline);
    }
  }

  /**
   * Copies a timeline's cache to the CPU.
   *
   * @param id The timeline.
   * @returns The copy.
   * @throws {TypeError} If somebody uses it, or there is no such timeline.
   */
  async snapshot(id: number): Promise<KvSnapshot> {
    const timeline = this.#begin(id);
    try {
      await timeline.moved;
      return await timeline.sequence?.snapshot() ?? timeline.snapshot ?? NONE;
    } finally {
      this.#end(id, timeline);
    }
  }

  #begin(id: number): Timeline {
    const timeline = this.#timelines.get(id);
    if (timeline === undefined) {
      throw new TypeError("Cannot use session: it is disposed of");
    }
    if (timeline.isBusy) {
      throw new TypeError("Cannot use session: it is in use already");
    }
    timeline.isBusy = true;
    this.#timelines.delete(id);
    this.#timelines.set(id, timeline); // the last one used
    return timeline;
  }

  #end(id: number, timeline: Timeline): void {
    timeline.isBusy = false;
    if (this.#timelines.get(id) !== timeline) this.#free(timeline);
    this.#sequences.shrink();
  }

  async #load(timeline: Timeline): Promise<Sequence> {
    await timeline.moved;
    if (timeline.sequence === undefined) {
      timeline.sequence = await this.#sequences.hold();
      if (timeline.snapshot !== undefined) {
        timeline.sequence.restore(timeline.snapshot);
        timeline.snapshot = undefined;
      }
    }
    return timeline.sequence;
  }

  /**
   * Moves the timeline that was not used for longest to the CPU.
   *
   * @returns Whether there was one; it never rejects.
   */
  async #evict(): Promise<boolean> {
    const timeline = this.#timelines.values()
      .find(({ isBusy, sequence }) => !isBusy && sequence !== undefined);
    if (timeline === undefined) return false;
    const sequence = timeline.sequence!;
    timeline.sequence = undefined;
    timeline.moved = this.#move(sequence).then((snapshot) =>
      timeline.snapshot = snapshot
    );
    await timeline.moved;
    return true;
  }

  /** Copies a cache to the CPU, as far as that is possible, and frees it. */
  async #move(sequence: Sequence): Promise<KvSnapshot | undefined> {
    try {
      return await sequence.snapshot();
    } catch {
      return undefined; // the rows that are missing run again
    } finally {
      this.#sequences.drop(sequence);
    }
  }

  #free({ sequence }: Timeline): void {
    if (sequence !== undefined) this.#sequences.drop(sequence);
  }
}

/** A cache without rows. */
const NONE: KvSnapshot = { ids: [], promptLength: 0, layers: [] };
