import type {
  CompiledGrammar as Compiled,
  GrammarMatcher,
  TokenizerInfo,
} from "@mlc-ai/web-xgrammar";
import { quote } from "../gguf/quote.ts";
import type { EbnfGrammar, PlainGrammar } from "./grammar.ts";
import {
  loadXgrammar,
  plainText,
  reasonOf,
  type XgrammarInstance,
} from "./load_xgrammar.ts";
import type { CompiledGrammar, Mask, Matcher } from "./matcher.ts";

/** Compiles regular expressions and grammars for one vocabulary. */
export class XgrammarCompiler {
  readonly #tokens: readonly Uint8Array[];
  #parser: XgrammarInstance | undefined;
  #main: Promise<Main> | undefined;

  /**
   * Creates an {@linkcode XgrammarCompiler}; nothing is loaded before it is used.
   *
   * @param tokens The bytes of each token, none of those that spell nothing.
   */
  constructor(tokens: readonly Uint8Array[]) {
    this.#tokens = tokens;
  }

  /**
   * Compiles a grammar.
   *
   * @param grammar The grammar.
   * @returns Its texts.
   * @throws {SyntaxError} If it cannot be parsed.
   */
  async compile(grammar: PlainGrammar): Promise<CompiledGrammar> {
    await this.#check(grammar);
    if (grammar.kind === "ebnf") checkClasses(grammar);
    this.#main ??= startMain(this.#tokens);
    const main = await this.#main;
    const { instance, info } = main;
    const compiler = await instance.GrammarCompiler
      .createGrammarCompiler(info, false);
    try {
      const parsed = await parse(instance, grammar);
      const compiled = await compiler.compileGrammar(parsed);
      parsed.dispose();
      return new XgrammarGrammar(instance, compiled, this.#tokens.length);
    } catch (error) {
      this.#main = undefined; // what has aborted may be in any state
      throw syntaxError(grammar, reasonOf(instance, error));
    } finally {
      compiler.dispose();
    }
  }

  /** Forgets the instances, and with them all that they hold. */
  dispose(): void {
    this.#parser = undefined;
    this.#main = undefined;
  }

  /**
   * Parses a grammar where nothing is lost: an error ends a whole instance, and
   * others' texts may be under way in the one that matches.
   */
  async #check(grammar: PlainGrammar): Promise<void> {
    const parser = this.#parser ?? await loadXgrammar();
    this.#parser = undefined; // nobody else's while it is used
    parser.takeMessages();
    try {
      (await parse(parser, grammar)).dispose();
      this.#parser = parser;
    } catch (error) {
      throw syntaxError(grammar, reasonOf(parser, error));
    }
    // What it leaves out, it only warns of.
    const [warning] = parser.takeMessages();
    if (warning !== undefined) throw syntaxError(grammar, plainText(warning));
  }
}

/** The instance that matches, and the vocabulary in it. */
interface Main {
  instance: XgrammarInstance;
  info: TokenizerInfo;
}

async function startMain(tokens: readonly Uint8Array[]): Promise<Main> {
  const instance = await loadXgrammar();
  // The alphabet of byte-level BPE can spell every byte, whatever the model's
  // own way is. Tokens without text are never allowed, and the end of a text is
  // a token of its own, behind all others.
  const alphabet = byteAlphabet();
  const spelled = tokens.map((bytes) =>
    Array.from(bytes, (byte) => alphabet[byte]).join("")
  );
  const info = await instance.TokenizerInfo.createTokenizerInfo(
    [...spelled, "</s>"],
    "byte_level",
    false,
    tokens.length + 1,
    [tokens.length],
  );
  return { instance, info };
}

async function parse(
  { Grammar }: XgrammarInstance,
  grammar: PlainGrammar,
): Promise<Awaited<ReturnType<typeof Grammar.fromEBNF>>> {
  if (grammar.kind === "ebnf") {
    return await Grammar.fromEBNF(grammar.grammar, grammar.root ?? "root");
  }
  return await Grammar.fromStructuralTag({
    type: "structural_tag",
    format: { type: "regex", pattern: grammar.pattern },
  });
}

/** Texts, comments and classes of a grammar, and what a class may hold. */
const PARTS = /"(?:\\[^]|[^"\\])*"|#.*|(\[(?:\\[^]|[^\]\\])*\])/g;
const CHARACTERS = /\\[xuU]([0-9a-fA-F]+)|\\[^]|[^\0-\x7f]/gu;

/** Refuses classes that xgrammar takes for others, those beyond ASCII. */
function checkClasses(grammar: EbnfGrammar): void {
  for (const [, characters = ""] of grammar.grammar.matchAll(PARTS)) {
    for (const [character, hex] of characters.matchAll(CHARACTERS)) {
      const code = hex ? parseInt(hex, 16) : character.codePointAt(0)!;
      if (code < 0x80) continue;
      throw syntaxError(
        grammar,
        `the class ${
          quote(characters)
        } has characters beyond ASCII, texts such as ("ä" | "ö") are wanted`,
      );
    }
  }
}

function syntaxError(grammar: PlainGrammar, reason: string): SyntaxError {
  const what = grammar.kind === "regex"
    ? `regular expression ${quote(grammar.pattern)}`
    : "grammar";
  return new SyntaxError(`Cannot parse the ${what}: ${reason}`);
}

/** The characters that stand for bytes in the vocabulary of GPT-2. */
function byteAlphabet(): string[] {
  let others = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const isItself = (byte > 0x20 && byte < 0x7f) ||
      (byte > 0xa0 && byte !== 0xad);
    return String.fromCharCode(isItself ? byte : others++);
  });
}

class XgrammarGrammar implements CompiledGrammar {
  readonly #instance: XgrammarInstance;
  readonly #compiled: Compiled;
  readonly #size: number;
  #matchers = 0;
  #isDisposed = false;

  constructor(instance: XgrammarInstance, compiled: Compiled, size: number) {
    this.#instance = instance;
    this.#compiled = compiled;
    this.#size = size;
  }

  async start(): Promise<Matcher> {
    this.#matchers++; // while somebody matches, it stays
    try {
      const matcher = await this.#instance.GrammarMatcher
        .createGrammarMatcher(this.#compiled);
      return new XgrammarMatcher(matcher, this.#size, () => this.#leave());
    } catch (error) {
      this.#leave();
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    if (this.#matchers === 0) this.#compiled.dispose();
  }

  #leave(): void {
    if (--this.#matchers === 0 && this.#isDisposed) this.#compiled.dispose();
  }
}

class XgrammarMatcher implements Matcher {
  readonly least = 0; // not known
  readonly #matcher: GrammarMatcher;
  readonly #size: number;
  readonly #onDispose: () => void;
  #bits: Uint32Array<ArrayBuffer> = new Uint32Array();
  #isDisposed = false;

  constructor(matcher: GrammarMatcher, size: number, onDispose: () => void) {
    this.#matcher = matcher;
    this.#size = size;
    this.#onDispose = onDispose;
  }

  async next(): Promise<Mask> {
    const { buffer } = await this.#matcher.getNextTokenBitmask();
    const size = this.#size;
    const all = new Uint32Array(buffer as ArrayBuffer);
    const canEnd = (all[size >> 5]! >>> (size & 31) & 1) === 1;
    const bits = this.#keep(all.slice(0, Math.ceil(size / 32)));
    let [count, last] = [0, 0];
    for (const [i, word] of bits.entries()) {
      if (word === 0) continue;
      count += onesOf(word);
      last = 32 * i + 31 - Math.clz32(word);
    }
    return { bits, count, last, canEnd };
  }

  /** The same array for the same tokens, which most often come again. */
  #keep(bits: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
    const size = this.#size;
    if (size % 32 > 0) bits[bits.length - 1]! &= 2 ** (size % 32) - 1;
    const isNew = bits.length !== this.#bits.length ||
      bits.some((word, i) => word !== this.#bits[i]);
    if (isNew) this.#bits = bits;
    return this.#bits;
  }

  accept(id: number): void {
    if (this.#matcher.acceptToken(id)) return;
    throw new Error(`Cannot go on by token ${id}: the grammar forbids it`);
  }

  [Symbol.dispose](): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#matcher.dispose();
    this.#onDispose();
  }
}

/** How many bits of a word are set. */
function onesOf(word: number): number {
  let pairs = word - ((word >>> 1) & 0x55555555);
  pairs = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((pairs + (pairs >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
