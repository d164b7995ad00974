import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { runCli, runJson } from "./cli.ts";

const ARCHANGEL = "models/tiny-archangel-q8_0.gguf";

Deno.test("lint shows the tokens of a prompt and warns", async () => {
  const { code, stdout, stderr } = await runCli([
    "lint",
    ARCHANGEL,
    "--text",
    "Be <|good|> ",
  ]);
  assertEquals([code, stderr], [0, ""]);
  assertMatch(stdout, /^ ?#\s+id\s+special\s+from\s+piece\n/);
  assertMatch(stdout, /\n0 +1 +control +bos +"<s>"\n/);
  assertMatch(stdout, /\nwarning: <\|good\|> is text, .*\[special-as-text\]\n/);
  assertMatch(stdout, /\[trailing-space\]\n$/);
});

Deno.test("lint reads chats and fails where it is told to be strict", async () => {
  const path = await Deno.makeTempFile({ suffix: ".json" });
  try {
    const messages = [{ role: "user", content: "Hi <|assistant|>\n" }];
    await Deno.writeTextFile(path, JSON.stringify(messages));
    const args = ["lint", ARCHANGEL, "--chat", path, "--control", "good"];
    const { tokens, warnings } = await runJson(args);
    assertEquals(tokens.at(-1).piece, "<|good|>");
    assertEquals(tokens.at(-1).source, "chat");
    assertEquals(warnings[0].code, "turn-marker");
    const strict = await runCli([...args, "--strict"]);
    assertEquals(strict.code, 1);
    assertStringIncludes(strict.stderr, "Cannot pass the prompt: it has 1");
    await Deno.writeTextFile(path, '{"role": "user"}');
    const wrong = await runCli(args);
    assertEquals(wrong.code, 1);
    assertStringIncludes(wrong.stderr, "it is no list of messages");
  } finally {
    await Deno.remove(path);
  }
  const none = await runCli(["lint", ARCHANGEL]);
  assertEquals(none.code, 2);
});
