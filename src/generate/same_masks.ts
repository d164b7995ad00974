/** Steps that may go on by one mask. */
const COUNTS = [2, 4, 8];

/**
 * How many steps to take by one mask before its tokens are read back: where masks
 * have stayed the same for long, as within a long string, they are likely to do so
 * for some steps more. What goes beyond the first change is lost.
 */
export class SameMasks {
  readonly #cost: number;
  #last: unknown;
  #run = 0;

  /**
   * Creates {@linkcode SameMasks}.
   *
   * @param cost What a read-back takes, in steps.
   */
  constructor(cost: number) {
    this.#cost = cost;
  }

  /**
   * Takes note of a mask.
   *
   * @param bits Its tokens: the same array where they are the same.
   */
  note(bits: unknown): void {
    this.#run = bits === this.#last ? this.#run + 1 : 0;
    this.#last = bits;
  }

  /** Steps that are likely to pay, from 1 to 8. */
  get steps(): number {
    // What has stayed for so long goes at the next step with this chance.
    const chance = 1 / (this.#run + 2);
    let [best, most] = [1, 0];
    for (const count of COUNTS) {
      let gain = 0; // in steps
      for (let k = 1; k < count; k++) {
        gain += this.#cost - (1 - (1 - chance) ** k);
      }
      if (gain / count > most) [best, most] = [count, gain / count];
    }
    return best;
  }
}
