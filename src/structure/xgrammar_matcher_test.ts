import { assert, assertEquals, assertRejects } from "@std/assert";
import { BYTES } from "../../tests/structure.ts";
import { loadXgrammar } from "./load_xgrammar.ts";
import type { Matcher } from "./matcher.ts";
import { XgrammarCompiler } from "./xgrammar_matcher.ts";

const encoder = new TextEncoder();
const TOKENS = [
  ...BYTES,
  encoder.encode("yes"),
  encoder.encode("é"),
  new Uint8Array(),
  Uint8Array.of(0xc3),
];

async function read(matcher: Matcher, text: string): Promise<boolean> {
  for (const byte of encoder.encode(text)) {
    const { bits } = await matcher.next(1);
    if (!(bits[byte >> 5]! >>> (byte & 31) & 1)) return false;
    matcher.accept(byte);
  }
  return (await matcher.next(1)).canEnd;
}

Deno.test("XgrammarCompiler follows regular expressions byte by byte", async () => {
  const compiler = new XgrammarCompiler(TOKENS);
  using grammar = await compiler.compile({ kind: "regex", pattern: "é+|yes?" });
  const texts: [string, boolean][] = [
    ["é", true],
    ["éé", true],
    ["ye", true],
    ["yes", true],
    ["", false],
    ["y", false],
    ["yess", false],
    ["x", false],
  ];
  for (const [text, expected] of texts) {
    using matcher = await grammar.start();
    assertEquals(await read(matcher, text), expected, text);
  }
  using matcher = await grammar.start();
  const { bits, count, last, canEnd } = await matcher.next(1);
  const ids = TOKENS.flatMap((_, id) =>
    bits[id >> 5]! >>> (id & 31) & 1 ? [id] : []
  );
  // "y", 0xc3, "yes", "é", and 0xc3 again; never the token without text.
  assertEquals(ids, [0x79, 0xc3, 256, 257, 259]);
  assertEquals([count, last, canEnd], [5, 259, false]);
});

Deno.test("XgrammarCompiler goes on behind what it could not parse", async () => {
  const compiler = new XgrammarCompiler(TOKENS);
  using good = await compiler.compile({
    kind: "ebnf",
    grammar: 'root ::= "ab"',
  });
  using matcher = await good.start();
  for (const grammar of ["root ::= (", "", "root ::= [", 'root = "a"']) {
    await assertRejects(
      () => compiler.compile({ kind: "ebnf", grammar }),
      SyntaxError,
      "Cannot parse the grammar: EBNF ",
    );
  }
  // What it would leave out of an expression counts as an error.
  for (const pattern of ["a$b", "^(a|b)$|^c$", "\\Z", "a(?=b)", "\\bx"]) {
    await assertRejects(
      () => compiler.compile({ kind: "regex", pattern }),
      SyntaxError,
      `Cannot parse the regular expression ${JSON.stringify(pattern)}: Regex `,
    );
  }
  assertEquals(await read(matcher, "ab"), true);
});

Deno.test("XgrammarCompiler refuses classes that are not followed", async () => {
  const compiler = new XgrammarCompiler(TOKENS);
  for (const one of ["[äö]", "[^é]", "[\\u4e00-\\u9fa5]", "[a\\xe4]"]) {
    await assertRejects(
      () => compiler.compile({ kind: "ebnf", grammar: `root ::= ${one}+` }),
      SyntaxError,
      "has characters beyond ASCII",
    );
  }
  const grammar = 'root ::= "[ä]" [^"\\\\\\x7f\\]]+ # [ö]';
  using good = await compiler.compile({ kind: "ebnf", grammar });
  using matcher = await good.start();
  assertEquals(await read(matcher, "[ä]é"), true);
});

Deno.test("loadXgrammar() touches no global, and loads do not share anything", async () => {
  const before = Reflect.ownKeys(globalThis);
  const [one, other] = await Promise.all([loadXgrammar(), loadXgrammar()]);
  assertEquals(Reflect.ownKeys(globalThis), before);
  assert(one.Grammar !== other.Grammar);
  await assertRejects(() => one.Grammar.fromEBNF("("));
  assert(one.takeMessages().some((line) => line.includes("EBNF")));
  assertEquals(other.takeMessages(), []);
  const grammar = await other.Grammar.fromEBNF('root ::= "a"');
  assert(grammar.toString().includes("root"));
  grammar.dispose();
});
