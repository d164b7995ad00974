import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { runCli, runJson } from "./cli.ts";

const STORIES = "models/stories260k-f32.gguf";
const GENERATE = [
  "generate",
  STORIES,
  "--prompt",
  "Once",
  "--max-tokens",
  "40",
];

Deno.test("seraph generate holds a text to a schema, a grammar or an expression", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const schema = `${directory}/schema.json`;
    await Deno.writeTextFile(schema, '{"type":"array","items":{"const":7}}');
    const json = await runJson([...GENERATE, "--json-schema", schema]);
    assert(JSON.parse(json.text).every((item: number) => item === 7));
    const grammar = `${directory}/rules.gbnf`;
    await Deno.writeTextFile(grammar, 'root ::= "yes" | "no"\n');
    const { stdout } = await runCli([...GENERATE, "--grammar", grammar]);
    assert(["yes\n", "no\n"].includes(stdout), stdout);
    const regex = await runCli([...GENERATE, "--regex", "[ab]{3}"]);
    assert(/^[ab]{3}\n$/.test(regex.stdout), regex.stdout);

    await Deno.writeTextFile(schema, "{");
    const bad = await runCli([...GENERATE, "--json-schema", schema]);
    assertEquals(bad.code, 1);
    assertStringIncludes(bad.stderr, `Cannot read the schema "${schema}"`);
    const two = await runCli([...GENERATE, "--regex", "a", "--grammar", "b"]);
    assertEquals(two.code, 2);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("seraph generate says what is wrong with an expression", async () => {
  const { code, stderr } = await runCli([...GENERATE, "--regex", "("]);
  assertEquals(code, 1);
  assertStringIncludes(stderr, 'Cannot parse the regular expression "("');
});
