import { schemaNode } from "./json_schema.ts";
import type { JsonSchema } from "./schema.ts";

export type { JsonSchema } from "./schema.ts";

/**
 * JSON texts that keep to a schema. Every text is valid, complete, and in time for
 * `maxTokens` and the context. Not every valid one is generated:
 *
 * - it has no white space, and properties come in the order of the schema;
 * - where properties are declared, others come only if `additionalProperties` or
 *   its like says what they are; their names begin with a letter or digit each,
 *   in ascending order, and so do the items of `uniqueItems` that are not listed;
 * - integers have up to 15 digits, other numbers 6 behind the point, unless their
 *   limits have more; of multiples of fractions, 512 next to zero are listed;
 * - `pattern` matches from end to end, and strings with lengths or patterns keep
 *   to characters of 16 bits, which all count alike;
 * - each `format` has a usual form; alternatives of `oneOf` that cannot be told
 *   from the others are left out.
 *
 * What cannot be kept to is refused with a `TypeError` that names the keyword:
 * `contains`, `dependentRequired`, `dependentSchemas`, lookaround in patterns.
 */
export interface JsonGrammar {
  /** Says that it is JSON. */
  kind: "json";
  /** What the value is like. Defaults to anything. */
  schema?: JsonSchema | undefined;
}

/** Texts that match a regular expression from end to end. */
export interface RegexGrammar {
  /** Says that it is a regular expression. */
  kind: "regex";
  /**
   * The expression, as JavaScript writes it, without lookaround; `.` and `[^…]`
   * stand for characters of 16 bits.
   */
  pattern: string;
}

/** Texts of a grammar in EBNF, or in llama.cpp's GBNF. */
export interface EbnfGrammar {
  /** Says that it is a grammar. */
  kind: "ebnf";
  /** Its rules, such as `root ::= "yes" | "no"`. */
  grammar: string;
  /** The rule that texts follow. Defaults to `"root"`. */
  root?: string | undefined;
}

/** A grammar that xgrammar reads. */
export type PlainGrammar = RegexGrammar | EbnfGrammar;

/**
 * What a generated text is to be like. It is a plain value: it can be cloned,
 * and sent to a worker.
 *
 * @example Holding an answer to a form
 * ```ts
 * import { loadModel } from "@seraph/seraph";
 *
 * await using model = await loadModel("models/stories260k-f32.gguf");
 * const { text } = await model.generate("Was it a good day?", {
 *   grammar: { kind: "regex", pattern: "(Yes|No), it was [a-z]+\\." },
 *   maxTokens: 40,
 * }).result();
 * ```
 */
export type Grammar = JsonGrammar | RegexGrammar | EbnfGrammar;

/**
 * Checks a grammar as far as that needs no WebAssembly.
 *
 * @param grammar The grammar.
 * @throws {TypeError} If it is none, or its schema is not followed.
 */
export function checkGrammar(grammar: Grammar): void {
  const { kind } = Object(grammar) as Partial<Grammar>;
  switch (kind) {
    case "json":
      schemaNode(schemaOf(grammar as JsonGrammar));
      break;
    case "regex":
      checkText("pattern", (grammar as RegexGrammar).pattern);
      break;
    case "ebnf": {
      const { grammar: rules, root = "root" } = grammar as EbnfGrammar;
      checkText("grammar", rules);
      checkText("root", root);
      break;
    }
    default:
      throw new TypeError(
        `Cannot generate: the grammar's kind is ${
          JSON.stringify(kind)
        }, "json", "regex" or "ebnf" is wanted`,
      );
  }
}

/** The schema of JSON texts. */
export function schemaOf({ schema = true }: JsonGrammar): JsonSchema {
  return schema;
}

function checkText(name: string, value: unknown): void {
  if (typeof value === "string") return;
  throw new TypeError(
    `Cannot generate: the grammar's ${name} is of type ${typeof value}, a string is wanted`,
  );
}
