/**
 * The ids of the rows at the start of a cache that ran as a prompt, which need
 * not run again for a prompt that begins with them. A step's own rows are added
 * up in another order, and would leave other last bits in what follows than a
 * prompt that runs as a whole.
 */
export class PromptIds {
  readonly #ids: number[] = [];

  /** How many there are. */
  get length(): number {
    return this.#ids.length;
  }

  /**
   * Takes note of rows of a prompt.
   *
   * @param ids Their ids.
   * @param position Where they begin: behind a step's rows they do not count.
   */
  append(ids: readonly number[], position: number): void {
    if (position === this.#ids.length) this.#ids.push(...ids);
  }

  /** Forgets those from `length` on. */
  truncate(length: number): void {
    this.#ids.length = Math.min(this.#ids.length, length);
  }

  /** How many a prompt shares; its last token has to run in any case. */
  shared(ids: readonly number[]): number {
    const most = Math.min(this.#ids.length, ids.length - 1);
    let length = 0;
    while (length < most && this.#ids[length] === ids[length]) length++;
    return length;
  }
}
