/**
 * The ids of the rows in a cache, and how they ran. Rows that are there need not
 * run again for a text that begins with them, if they ran as that text wants it:
 * the rows of a step are added up in another order than those of a prompt, and
 * leave other last bits in what follows.
 */
export class RowIds {
  readonly #ids: number[] = [];
  /** Rows at the start that ran as a prompt. */
  #promptLength = 0;
  /** Rows at the start that are a prompt and then steps. */
  #knownLength = 0;

  /** How many rows there are. */
  get length(): number {
    return this.#ids.length;
  }

  /** How many rows at the start ran as a prompt. */
  get promptLength(): number {
    return this.#promptLength;
  }

  /** How many rows at the start ran as a prompt and then as steps. */
  get knownLength(): number {
    return this.#knownLength;
  }

  /** Their ids. */
  get ids(): readonly number[] {
    return this.#ids;
  }

  /**
   * Takes note of rows that ran as a prompt: behind a step they are neither.
   *
   * @param ids Their ids.
   */
  appendPrompt(ids: readonly number[]): void {
    const isStart = this.#promptLength === this.#ids.length;
    for (const id of ids) this.#ids.push(id);
    if (isStart) this.#promptLength = this.#knownLength = this.#ids.length;
  }

  /**
   * Takes note of rows that ran as steps.
   *
   * @param ids Their ids.
   */
  appendSteps(ids: readonly number[]): void {
    const isKnown = this.#knownLength === this.#ids.length;
    for (const id of ids) this.#ids.push(id);
    if (isKnown) this.#knownLength = this.#ids.length;
  }

  /** Forgets those from `length` on. */
  truncate(length: number): void {
    this.#ids.length = Math.min(this.#ids.length, length);
    this.#promptLength = Math.min(this.#promptLength, length);
    this.#knownLength = Math.min(this.#knownLength, length);
  }

  /**
   * How many rows at the start of a text are there already.
   *
   * @param ids The text, of which the last token has to run in any case.
   * @param promptLength Tokens that are to run as a prompt; the rest as steps.
   * Defaults to all of them.
   * @returns Rows that need not run again.
   */
  shared(ids: readonly number[], promptLength = ids.length): number {
    const most = ids.length - 1;
    const prompts = Math.min(this.#promptLength, promptLength, most);
    const length = this.#equal(ids, 0, prompts);
    // Steps only count where they begin at the same place.
    if (length < promptLength || this.#promptLength !== promptLength) {
      return length;
    }
    return this.#equal(ids, length, Math.min(this.#knownLength, most));
  }

  #equal(ids: readonly number[], start: number, end: number): number {
    let length = start;
    while (length < end && this.#ids[length] === ids[length]) length++;
    return length;
  }
}
