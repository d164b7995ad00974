import { schemaNode } from "./json_schema.ts";
import type { JsonSchema } from "./schema.ts";

export type { JsonSchema } from "./schema.ts";

/** JSON texts. */
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
  /** The expression, as JavaScript writes it, without lookaround. */
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

/** A grammar that xgrammar matches. */
export type PlainGrammar = RegexGrammar | EbnfGrammar;

/**
 * What a generated text is to be like. It is a plain value: it can be cloned,
 * and sent to a worker.
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
