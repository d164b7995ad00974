/** What {@linkcode TextFilter.push} lets through. */
export interface FilteredText {
  /** Text that is safe to show. */
  text: string;
  /** The stop string that was met; nothing comes after it. */
  stop?: string;
}

/** Options for {@linkcode TextFilter}. */
export interface TextFilterOptions {
  /** Strings that end the text, and are not part of it. Defaults to none. */
  stop?: readonly string[];
  /** Strings that end the text where it begins with one. Defaults to none. */
  stopAtStart?: readonly string[];
  /** Whether white space at the end is dropped. Defaults to `false`. */
  trimEnd?: boolean;
}

/**
 * Holds back the end of a stream of text while it may still turn out to be the
 * beginning of a stop string, or white space at the very end.
 */
export class TextFilter {
  readonly #stop: readonly string[];
  readonly #trimEnd: boolean;
  /** Those of `stopAtStart`, until something was shown. */
  #stopAtStart: readonly string[];
  #held = "";

  /**
   * Creates a {@linkcode TextFilter}.
   *
   * @param options The stop strings, and what to do with white space.
   */
  constructor(options: TextFilterOptions = {}) {
    const { stop = [], stopAtStart = [], trimEnd = false } = options;
    this.#stop = stop;
    this.#stopAtStart = stopAtStart;
    this.#trimEnd = trimEnd;
  }

  /**
   * Adds text.
   *
   * @param text What comes next.
   * @returns What can be shown now.
   */
  push(text: string): FilteredText {
    this.#held += text;
    const found = this.#findStop();
    if (found !== undefined) {
      this.#held = this.#held.slice(0, found.index);
      return { text: this.flush(), stop: found.stop };
    }
    const shown = this.#held.slice(0, this.#safeLength());
    this.#held = this.#held.slice(shown.length);
    if (shown !== "") this.#stopAtStart = [];
    return { text: shown };
  }

  /** Ends the text: returns what was held back and belongs to it. */
  flush(): string {
    const text = this.#trimEnd ? this.#held.trimEnd() : this.#held;
    this.#held = "";
    return text;
  }

  /**
   * The stop string that is complete first, the longest of those: which one it
   * is must not depend on how the text was cut into pieces.
   */
  #findStop(): { index: number; stop: string } | undefined {
    let first: { index: number; end: number; stop: string } | undefined;
    const consider = (stop: string, index: number) => {
      const end = index + stop.length;
      const isFirst = first === undefined || end < first.end ||
        (end === first.end && index < first.index);
      if (isFirst) first = { index, end, stop };
    };
    for (const stop of this.#stop) {
      const index = this.#held.indexOf(stop);
      if (index >= 0) consider(stop, index);
    }
    for (const stop of this.#stopAtStart) {
      if (this.#held.startsWith(stop)) consider(stop, 0);
    }
    return first;
  }

  #safeLength(): number {
    if (this.#stopAtStart.some((stop) => stop.startsWith(this.#held))) return 0;
    let safe = this.#held.length;
    for (const stop of this.#stop) {
      const most = Math.min(stop.length - 1, this.#held.length);
      for (let length = most; length > 0; length--) {
        if (this.#held.endsWith(stop.slice(0, length))) {
          safe = Math.min(safe, this.#held.length - length);
          break;
        }
      }
    }
    return this.#trimEnd ? this.#held.slice(0, safe).trimEnd().length : safe;
  }
}
