import { Automaton, type State } from "./automaton.ts";
import { schemaNode } from "./json_schema.ts";
import type { CompiledGrammar, Mask, Matcher } from "./matcher.ts";
import type { JsonSchema } from "./schema.ts";
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

/** The JSON texts that a schema allows. */
export class CompiledSchema implements CompiledGrammar {
  readonly #node: Node;
  readonly #vocabulary: JsonVocabulary;
  #automaton: Automaton;

  /**
   * Makes a schema ready.
   *
   * @param schema The schema.
   * @param vocabulary The tokens.
   * @throws {TypeError} If the schema is not followed.
   */
  constructor(schema: JsonSchema, vocabulary: JsonVocabulary) {
    this.#node = schemaNode(schema);
    this.#vocabulary = vocabulary;
    this.#automaton = new Automaton(this.#node, vocabulary.trie);
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
    if (start === null || start.cost === Infinity) {
      throw new TypeError(
        "Cannot follow the schema: the model's vocabulary cannot spell any value that it allows",
      );
    }
    return new JsonMatcher(this.#automaton, start, this.#vocabulary.tokens);
  }

  /** Nothing is held that has to be freed. */
  [Symbol.dispose](): void {}
}

class JsonMatcher implements Matcher {
  readonly least: number;
  readonly #automaton: Automaton;
  readonly #tokens: readonly Uint8Array[];
  #state: State;

  constructor(
    automaton: Automaton,
    start: State,
    tokens: readonly Uint8Array[],
  ) {
    this.#automaton = automaton;
    this.#tokens = tokens;
    this.#state = start;
    this.least = start.cost;
  }

  next(left: number): Mask {
    const { bits, count, last } = this.#automaton.tokens(this.#state, left);
    return { bits, count, last, canEnd: this.#state.canEnd };
  }

  accept(id: number): void {
    let state: State | null = this.#state;
    for (const byte of this.#tokens[id] ?? []) {
      state &&= this.#automaton.step(state, byte);
    }
    if (state === null || !this.#tokens[id]?.length) {
      throw new Error(`Cannot go on by token ${id}: the schema forbids it`);
    }
    this.#state = state;
  }

  [Symbol.dispose](): void {}
}
