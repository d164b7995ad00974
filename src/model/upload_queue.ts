/** Bytes that are submitted before the GPU is asked how far it is. */
const WINDOW_BYTES = 64 * 2 ** 20;

/**
 * Bounds what was written to a device and waits there in copies: a `writeBuffer`
 * is copied at once, and the copy is freed when the GPU has done what was
 * submitted with it.
 *
 * In Deno a call of `onSubmittedWorkDone()` returns when the GPU is done, and its
 * promise takes 10 ms more. So it is the promise before the last that is waited
 * for: there it is resolved by then, and elsewhere two windows are on their way.
 */
export class UploadQueue {
  readonly #queue: GPUQueue;
  #submitted = 0;
  #last: Promise<unknown> = Promise.resolve();

  /**
   * Creates an {@linkcode UploadQueue}.
   *
   * @param queue The device's queue.
   */
  constructor(queue: GPUQueue) {
    this.#queue = queue;
  }

  /**
   * Most bytes that wait at any time.
   *
   * @param chunkBytes The most that is added at once.
   */
  static mostBytes(chunkBytes: number): number {
    return 2 * WINDOW_BYTES + chunkBytes;
  }

  /** Notes that so many bytes were written and submitted. */
  async add(bytes: number): Promise<void> {
    this.#submitted += bytes;
    if (this.#submitted < WINDOW_BYTES) return;
    this.#submitted = 0;
    await this.#turn();
  }

  /** Waits until the GPU is done with all of it. */
  async finish(): Promise<void> {
    await this.#turn();
    await this.#last;
  }

  async #turn(): Promise<void> {
    const before = this.#last;
    this.#last = this.#queue.onSubmittedWorkDone();
    this.#last.catch(() => {}); // told when it is waited for
    await before;
  }
}
