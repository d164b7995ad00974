import { Option } from "commander";
import type { Grammar, JsonSchema } from "../mod.ts";

/** What the options of {@linkcode grammarOptions} parse to. */
export interface GrammarFlags {
  /** File of a JSON Schema. */
  jsonSchema?: string;
  /** File of a grammar. */
  grammar?: string;
  /** Regular expression. */
  regex?: string;
}

/** The options that hold a text to something, of which one can be given. */
export function grammarOptions(): Option[] {
  return [
    new Option("--json-schema <file>", "generate JSON that keeps to a schema")
      .conflicts(["grammar", "regex"]),
    new Option("--grammar <file>", "generate a text of a GBNF or EBNF grammar")
      .conflicts(["jsonSchema", "regex"]),
    new Option("--regex <expression>", "generate a text that matches")
      .conflicts(["jsonSchema", "grammar"]),
  ];
}

/**
 * Reads what a text is to be held to.
 *
 * @param flags The options.
 * @returns The grammar, `undefined` where none is asked for.
 * @throws {SyntaxError} If the schema's file is no JSON.
 */
export async function readGrammar(
  { jsonSchema, grammar, regex }: GrammarFlags,
): Promise<Grammar | undefined> {
  if (jsonSchema !== undefined) {
    const schema = parse(jsonSchema, await Deno.readTextFile(jsonSchema));
    return { kind: "json", schema };
  }
  if (grammar !== undefined) {
    return { kind: "ebnf", grammar: await Deno.readTextFile(grammar) };
  }
  return regex === undefined ? undefined : { kind: "regex", pattern: regex };
}

function parse(path: string, text: string): JsonSchema {
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SyntaxError(`Cannot read the schema "${path}": ${reason}`);
  }
}
