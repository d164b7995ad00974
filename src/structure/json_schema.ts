import { SchemaConverter } from "./convert.ts";
import { Costs } from "./costs.ts";
import type { JsonSchema } from "./schema.ts";
import type { Node } from "./syntax.ts";
import { createTokenTrie } from "./token_trie.ts";

/** A vocabulary of single bytes. */
const BYTES = Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte));

/**
 * Turns a schema into a language of JSON texts, and makes sure that there is one.
 *
 * @param schema The schema.
 * @returns Texts without white space, each of which is valid.
 * @throws {TypeError} If it has a keyword that is not followed, or no value is
 * found that it allows.
 */
export function schemaNode(schema: JsonSchema): Node {
  const converter = new SchemaConverter(schema);
  const node = converter.node([{ schema, path: "#" }]);
  // Measuring visits all of it, so that every error comes now.
  const cost = new Costs(node, createTokenTrie(BYTES)).of(node);
  if (cost < Infinity) return node;
  throw new TypeError(
    "Cannot follow the schema: no value is found that it allows",
  );
}
