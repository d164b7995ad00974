import { Automaton, type State } from "../src/structure/automaton.ts";
import { schemaNode } from "../src/structure/json_schema.ts";
import type { JsonSchema } from "../src/structure/schema.ts";
import type { Node } from "../src/structure/syntax.ts";
import { createTokenTrie } from "../src/structure/token_trie.ts";

/** A vocabulary of all single bytes. */
export const BYTES: readonly Uint8Array[] = Array.from(
  { length: 256 },
  (_, byte) => Uint8Array.of(byte),
);

/** Whether a text is one of a language; `undefined` where it goes on from there. */
export function accepts(node: Node, text: string): boolean | undefined {
  const automaton = new Automaton(node, createTokenTrie(BYTES));
  let state: State | null = automaton.start;
  for (const byte of new TextEncoder().encode(text)) {
    state &&= automaton.step(state, byte);
  }
  if (state === null) return false;
  return state.canEnd ? true : undefined;
}

/** Whether a schema's texts have one among them. */
export function schemaAccepts(schema: JsonSchema, text: string): boolean {
  return accepts(schemaNode(schema), text) === true;
}

/** The shortest text of a language, of those the one that comes first. */
export function shortest(node: Node): string {
  const automaton = new Automaton(node, createTokenTrie(BYTES));
  const bytes: number[] = [];
  let state = automaton.start!;
  while (state.cost > 0) {
    const { bits } = automaton.tokens(state, state.cost);
    const byte = BYTES.findIndex((_, id) => bits[id >> 5]! >>> (id & 31) & 1);
    bytes.push(byte);
    state = automaton.step(state, byte)!;
  }
  return new TextDecoder().decode(Uint8Array.from(bytes));
}
