/** The tokens that may come next. */
export interface Mask {
  /**
   * A bit for each token that goes on, `[ceil(size / 32)]`. What was given once
   * never changes.
   */
  readonly bits: Uint32Array<ArrayBuffer>;
  /** How many bits are set. */
  readonly count: number;
  /** One of those tokens, where there is any. */
  readonly last: number;
  /** Whether the text may end here. */
  readonly canEnd: boolean;
}

/** Follows one text token by token. */
export interface Matcher extends Disposable {
  /**
   * Tokens that the shortest text takes, as far as that is known: from there on,
   * each text is ended in time.
   */
  readonly least: number;
  /**
   * Lists the tokens that may come next.
   *
   * @param left How many tokens there is room for, at least one.
   * @returns The tokens, none that ends the text among them.
   */
  next(left: number): Mask | Promise<Mask>;
  /**
   * Goes on by a token.
   *
   * @param id One of those that may come.
   */
  accept(id: number): void;
}

/** Texts that tokens can be held to, made ready for one vocabulary. */
export interface CompiledGrammar extends Disposable {
  /** Begins a text. */
  start(): Matcher | Promise<Matcher>;
}
