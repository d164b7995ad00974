import { assert, assertEquals } from "@std/assert";
import { seeded } from "../../tests/gguf_mutate.ts";
import { accepts, BYTES } from "../../tests/structure.ts";
import { Automaton } from "./automaton.ts";
import { schemaNode } from "./json_schema.ts";
import { parsePattern } from "./pattern.ts";
import { patternNode } from "./pattern_text.ts";
import { type Node, optional, repeat, Rule, sequence, text } from "./syntax.ts";
import { createTokenTrie } from "./token_trie.ts";

const encoder = new TextEncoder();
const WORDS = [
  "{",
  '"',
  '{"',
  '":',
  "name",
  '"name":',
  "}",
  "\xe9",
  "aa",
  "aa",
];

/** All bytes, words of several, one of them twice, and a token of no bytes. */
const TOKENS = [
  ...BYTES,
  ...WORDS.map((word) => encoder.encode(word)),
  new Uint8Array(),
  Uint8Array.of(0xc3), // half a character
  Uint8Array.of(0xa9, 0x22), // the other half, and the end of a string
];
const TRIE = createTokenTrie(TOKENS);

/** What comes of each token, found out byte by byte. */
function expectedBits(automaton: Automaton, text: string, left: number) {
  let state = automaton.start;
  for (const byte of encoder.encode(text)) {
    state &&= automaton.step(state, byte);
  }
  const bits = new Uint32Array(Math.ceil(TOKENS.length / 32));
  let count = 0;
  for (const [id, bytes] of TOKENS.entries()) {
    let next = bytes.length > 0 ? state : null;
    for (const byte of bytes) next &&= automaton.step(next, byte);
    if (next === null || next.cost > left - 1) continue;
    bits[id >> 5]! |= 1 << (id & 31);
    count++;
  }
  return { state: state!, bits, count };
}

Deno.test("tokens() lists the tokens that byte by byte may come", () => {
  const node = schemaNode({
    type: "object",
    properties: { name: { type: "string", maxLength: 3 }, n: { type: "null" } },
    required: ["name"],
  });
  const automaton = new Automaton(node, TRIE);
  for (
    const text of ["", "{", '{"na', '{"name":"', '{"name":"é', '{"name":""']
  ) {
    for (const left of [Infinity, 12, 7, 5, 3, 1]) {
      const { state, bits, count } = expectedBits(automaton, text, left);
      if (state.cost > left) continue;
      const actual = automaton.tokens(state, left);
      assertEquals([...actual.bits], [...bits], `${text} ${left}`);
      assertEquals(actual.count, count);
    }
  }
});

Deno.test("tokens() are those of the state where a repetition's end is far", () => {
  const node = sequence(
    text('"'),
    repeat(text("a"), 3, 60),
    text('"'),
    optional(text("aa")),
  );
  const automaton = new Automaton(node, TRIE);
  for (let count = 0; count <= 60; count++) {
    const given = `"${"a".repeat(count)}`;
    for (const left of [Infinity, 70, 40, 10, 3, 2, 1]) {
      const { state, bits } = expectedBits(automaton, given, left);
      if (state.cost > left) continue;
      const actual = automaton.tokens(state, left);
      assertEquals([...actual.bits], [...bits], `${count} ${left}`);
    }
  }
});

Deno.test("tokens() always leaves a way to the end, however little is left", () => {
  const random = seeded(8);
  const node = schemaNode({
    type: "array",
    minItems: 2,
    items: {
      anyOf: [{ type: "string" }, { type: "object" }, { type: "null" }],
    },
  });
  const automaton = new Automaton(node, TRIE);
  for (let run = 0; run < 200; run++) {
    let state = automaton.start!;
    let left = state.cost + Math.floor(random() * 30);
    while (left > 0) {
      const { bits, count } = automaton.tokens(state, left);
      if (count === 0) break;
      const ids = TOKENS.flatMap((_, id) =>
        bits[id >> 5]! >>> (id & 31) & 1 ? [id] : []
      );
      assertEquals(ids.length, count);
      const id = ids[Math.floor(random() * ids.length)]!;
      for (const byte of TOKENS[id]!) state = automaton.step(state, byte)!;
      left--;
      assert(state.cost <= left);
    }
    assert(state.canEnd);
  }
});

Deno.test("cost counts the fewest tokens of texts, and those of what follows", () => {
  const cost = (node: Node) => new Automaton(node, TRIE).start!.cost;
  assertEquals(cost(text("name")), 1);
  assertEquals(cost(text("names")), 2);
  assertEquals(cost(text('{"name":')), 2);
  assertEquals(cost(sequence(repeat(text("aa"), 3), optional(text("x")))), 3);
  const endless: Node = new Rule(() => sequence(text("a"), endless));
  assertEquals(new Automaton(endless, TRIE).start, null);
});

Deno.test("step() ends where a part may be empty, however often it comes", () => {
  const node = repeat(repeat(optional(text("a")), 0), 2);
  const automaton = new Automaton(node, TRIE);
  assert(automaton.start!.canEnd);
  const state = automaton.step(automaton.start!, 0x61)!;
  assert(state.canEnd);
  assertEquals(automaton.step(state, 0x62), null);
});

/** All texts of some letters up to a length. */
function textsOf(letters: string, length: number): string[] {
  if (length === 0) return [""];
  const shorter = textsOf(letters, length - 1);
  const longest = shorter.filter((text) => text.length === length - 1);
  return [
    ...shorter,
    ...longest.flatMap((text) => [...letters].map((letter) => text + letter)),
  ];
}

Deno.test("Automaton repeats what may be empty", () => {
  const sources = [
    "^(a?){3}$",
    "^(a?b?){2}c$",
    "^(a|b?){3,}$",
    "^((a|b|)c?){2,3}$",
    "^((a?){2,3}b?){2}$",
    "^(a{0,2}){2}b?$",
    "^((a*b?){2})*c{1,2}$",
  ];
  for (const source of sources) {
    const node = patternNode(parsePattern(source));
    const expression = new RegExp(source);
    for (const text of textsOf("abc", 5)) {
      const expected = expression.test(text);
      assertEquals(accepts(node, text) === true, expected, source + text);
    }
  }
  // No deeper a stack, and no more states, for the times that say nothing.
  for (const source of ["(a?){100000}", "((a{0,99}){0,99}){0,99}"]) {
    const node = patternNode(parsePattern(source));
    assertEquals(accepts(node, "a".repeat(20)), true, source);
    assertEquals(accepts(node, "b"), false, source);
  }
});
