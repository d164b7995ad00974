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
  let [node, cost]: [Node?, number?] = [];
  try {
    const converter = new SchemaConverter(schema);
    node = converter.node([{ schema, path: "#" }]);
    // Measuring visits all of it, so that every error comes now.
    cost = new Costs(node, createTokenTrie(BYTES)).of(node);
  } catch (cause) {
    // The one that the runtime throws where its stack is full.
    if (!(cause instanceof RangeError)) throw cause;
    throw new TypeError(
      "Cannot follow the schema: it nests too deeply, fewer levels are wanted",
      { cause },
    );
  }
  if (cost < Infinity) return node;
  throw new TypeError(
    "Cannot follow the schema: no value is found that it allows",
  );
}
