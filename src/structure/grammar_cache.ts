import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { type Grammar, schemaOf } from "./grammar.ts";
import { CompiledNode, type JsonVocabulary } from "./json_matcher.ts";
import { schemaNode } from "./json_schema.ts";
import type { CompiledGrammar, Matcher } from "./matcher.ts";
import { parsePattern } from "./pattern.ts";
import { patternNode } from "./pattern_text.ts";
import { character, type Node } from "./syntax.ts";
import { createTokenTrie, tokenBytes } from "./token_trie.ts";
import type { XgrammarCompiler } from "./xgrammar_matcher.ts";

/** Grammars that are kept compiled. */
const MOST_KEPT = 16;

/** The grammars of one model, compiled when they are first used. */
export class GrammarCache implements Disposable {
  /** Tokens that end a text. */
  readonly endIds: readonly number[];
  /** Tokens of all texts that had no rival, as far as they were counted. */
  readonly forced: { count: number } = { count: 0 };
  readonly #tokenizer: Tokenizer;
  // Which was used last stands at the end.
  readonly #kept = new Map<string, Promise<CompiledGrammar>>();
  #vocabulary: JsonVocabulary | undefined;
  #xgrammar: XgrammarCompiler | undefined;

  /**
   * Creates a {@linkcode GrammarCache}.
   *
   * @param tokenizer The model's tokenizer.
   */
  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
    this.endIds = [...tokenizer.vocabulary.endOfGenerationIds]
      .filter((id) => id < tokenizer.size);
  }

  /**
   * Begins a text.
   *
   * @param grammar The grammar.
   * @returns What follows it, to be disposed of.
   * @throws {SyntaxError} If the grammar cannot be parsed.
   * @throws {TypeError} If its schema is not followed.
   */
  async start(grammar: Grammar): Promise<Matcher> {
    const key = keyOf(grammar);
    const compiled = this.#kept.get(key) ?? this.#compile(grammar);
    this.#kept.delete(key);
    this.#kept.set(key, compiled);
    try {
      const matcher = (await compiled).start();
      this.#drop(MOST_KEPT);
      return await matcher;
    } catch (error) {
      this.#kept.delete(key);
      throw error;
    }
  }

  /** Frees them all; those that somebody follows, when that is over. */
  [Symbol.dispose](): void {
    this.#drop(0);
    this.#xgrammar?.dispose();
    this.#xgrammar = undefined;
  }

  async #compile(grammar: Grammar): Promise<CompiledGrammar> {
    const vocabulary = this.#vocabulary ??= createVocabulary(this.#tokenizer);
    if (grammar.kind === "json") {
      return new CompiledNode(schemaNode(schemaOf(grammar)), vocabulary);
    }
    const node = grammar.kind === "regex" && textsOf(grammar.pattern);
    if (node) {
      const options = { what: "pattern", isTimed: false } as const;
      return new CompiledNode(node, vocabulary, options);
    }
    // Who never asks for a grammar never loads it.
    const { XgrammarCompiler } = await import("./xgrammar_matcher.ts");
    this.#xgrammar ??= new XgrammarCompiler(vocabulary.tokens);
    return await this.#xgrammar.compile(grammar);
  }

  #drop(most: number): void {
    for (const [key, compiled] of this.#kept) {
      if (this.#kept.size <= most) return;
      this.#kept.delete(key);
      compiled.then((one) => one[Symbol.dispose](), () => {});
    }
  }
}

/** What tells grammars apart; those that JSON cannot write are never the same. */
function keyOf(grammar: Grammar): string {
  try {
    return JSON.stringify(grammar);
  } catch {
    return crypto.randomUUID();
  }
}

/**
 * The texts of a regular expression, `undefined` where it has what is not known:
 * then xgrammar says what is wrong. It is not asked first, as it takes `.`, `\s`
 * and ranges of characters beyond ASCII for others than JavaScript does.
 */
function textsOf(pattern: string): Node | undefined {
  try {
    return patternNode(parsePattern(pattern), character);
  } catch {
    return undefined;
  }
}

function createVocabulary(tokenizer: Tokenizer): JsonVocabulary {
  const tokens = tokenBytes(tokenizer);
  return { tokens, trie: createTokenTrie(tokens) };
}
