import { Automaton, type State } from "./automaton.ts";
import type { CompiledGrammar, Mask, Matcher } from "./matcher.ts";
import type { Node } from "./syntax.ts";
import type { TokenTrie } from "./token_trie.ts";

/** States that are kept for the next text, at 2 KB each. */
const MOST_STATES = 8192;

/** What texts are made of. */
export interface JsonVocabulary {
  /** The bytes of each token, none of those that spell nothing. */
  tokens: readonly Uint8Array[];
  /** The same as a tree. */
  trie: TokenTrie;
}

/** Options for {@linkcode CompiledNode}. */
export interface NodeOptions {
  /** What the language is of, as errors call it. Defaults to `"schema"`. */
  what?: "schema" | "pattern";
  /** Whether each text ends in time. Defaults to `true`. */
  isTimed?: boolean;
}

/** The texts of a language, such as those that a schema allows. */
export class CompiledNode implements CompiledGrammar {
  readonly #node: Node;
  readonly #vocabulary: JsonVocabulary;
  readonly #options: Required<NodeOptions>;
  #automaton: Automaton;

  /**
   * Makes a language ready.
   *
   * @param node The language.
   * @param vocabulary The tokens.
   * @param options What it is of.
   */
  constructor(
    node: Node,
    vocabulary: JsonVocabulary,
    { what = "schema", isTimed = true }: NodeOptions = {},
  ) {
    this.#node = node;
    this.#vocabulary = vocabulary;
    this.#options = { what, isTimed };
    this.#automaton = new Automaton(node, vocabulary.trie);
  }

  /**
   * Begins a text.
   *
   * @throws {TypeError} If no text of it can be spelled in the vocabulary.
   */
  start(): Matcher {
    if (this.#automaton.size > MOST_STATES) {
      this.#automaton = new Automaton(this.#node, this.#vocabulary.trie);
    }
    const { start } = this.#automaton;
    const { what, isTimed } = this.#options;
    if (start === null || start.cost === Infinity) {
      throw new TypeError(
        `Cannot follow the ${what}: the model's vocabulary cannot spell any ${
          what === "schema" ? "value" : "text"
        } that it allows`,
      );
    }
    const { tokens } = this.#vocabulary;
    return new NodeMatcher(this.#automaton, { start, tokens, isTimed });
  }

  /** Nothing is held that has to be freed. */
  [Symbol.dispose](): void {}
}

/** Where a text begins, what it is made of, and whether it ends in time. */
interface MatcherStart {
  start: State;
  tokens: readonly Uint8Array[];
  isTimed: boolean;
}

class NodeMatcher implements Matcher {
  readonly least: number;
  readonly #automaton: Automaton;
  readonly #tokens: readonly Uint8Array[];
  readonly #isTimed: boolean;
  #state: State;

  constructor(automaton: Automaton, { start, tokens, isTimed }: MatcherStart) {
    this.#automaton = automaton;
    this.#tokens = tokens;
    this.#isTimed = isTimed;
    this.#state = start;
    this.least = isTimed ? start.cost : 0;
  }

  next(left: number): Mask {
    const { bits, count, last } = this.#automaton
      .tokens(this.#state, this.#isTimed ? left : Infinity);
    return { bits, count, last, canEnd: this.#state.canEnd };
  }

  accept(id: number): void {
    let state: State | null = this.#state;
    for (const byte of this.#tokens[id] ?? []) {
      state &&= this.#automaton.step(state, byte);
    }
    if (state === null || !this.#tokens[id]?.length) {
      throw new Error(`Cannot go on by token ${id}: the grammar forbids it`);
    }
    this.#state = state;
  }

  [Symbol.dispose](): void {}
}
