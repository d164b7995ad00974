import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { runCli, runJson } from "./cli.ts";
import { inTempFolder, namesIn } from "./temp_folder.ts";

const STORIES = "models/stories260k-f32.gguf";

/** Runs `seraph gguf …`, which is to succeed in silence. */
async function gguf(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCli(["gguf", ...args]);
  assertEquals([code, stderr], [0, ""]);
  return stdout;
}

Deno.test("gguf dump --json gives types, and shortens arrays", async () => {
  const { metadata, tensors } = await runJson(["gguf", "dump", STORIES]);
  assertEquals(metadata[4], {
    key: "llama.context_length",
    type: "u32",
    value: 512,
  });
  const tokens = metadata.find((field: { key: string }) =>
    field.key === "tokenizer.ggml.tokens"
  );
  assertEquals([tokens.type, tokens.length], ["string[]", 512]);
  assertEquals(tokens.first.length, 8);
  assertEquals(tensors.length, 47);
});

Deno.test("gguf split, merge and hash go together", async () => {
  await inTempFolder(async (folder) => {
    const split = await gguf(
      ...["split", STORIES, `${folder}/p`, "--max-size", "500K"],
    );
    const paths = split.trimEnd().split("\n");
    assertEquals(paths.at(-1), `${folder}/p-00003-of-00003.gguf`);
    const [merged, parts, whole] = await Promise.all([
      gguf("merge", paths[1]!, `${folder}/m.gguf`),
      gguf("hash", paths[2]!, "--no-layer"),
      gguf("hash", STORIES),
    ]);
    assertEquals(merged, "");
    const same = Deno.readFileSync(`${folder}/m.gguf`);
    const wanted = Deno.readFileSync(new URL(`../${STORIES}`, import.meta.url));
    assert(same.every((byte, i) => byte === wanted[i]));
    const lines = whole.trimEnd().split("\n");
    assertEquals(lines.length, 48);
    assertStringIncludes(lines[0]!, `  ${STORIES}:token_embd.weight`);
    // As `sha256sum` gives it for all tensor data of the file.
    const hash =
      "a76068146dd67621be9380ffc889676e937aa96af179a54a72e63595ab5161e0";
    assertEquals(lines.at(-1), `sha256    ${hash}  ${STORIES}`);
    assertEquals(parts, `sha256    ${hash}  ${paths[2]}\n`);
  });
});

Deno.test("gguf set changes a key in place, from a value or a file", async () => {
  await inTempFolder(async (folder) => {
    const path = `${folder}/model.gguf`;
    Deno.copyFileSync(new URL(`../${STORIES}`, import.meta.url), path);
    Deno.writeTextFileSync(`${folder}/t`, "{{ '{' }}\n");
    await gguf("set", path, "general.name", "New");
    await gguf(
      ...["set", path, "tokenizer.chat_template", "--type", "string"],
      ...["--file", `${folder}/t`],
    );
    await gguf("set", path, "general.type", "--remove");
    const { metadata } = await runJson(["gguf", "dump", path]);
    const keys = metadata.map(({ key }: { key: string }) => key);
    assertEquals(metadata[1], {
      key: "general.name",
      type: "string",
      value: "New",
    });
    assertEquals(metadata.at(-1).value, "{{ '{' }}\n");
    assert(!keys.includes("general.type"));
    assertEquals(namesIn(folder), ["model.gguf", "t"]);
  });
});

const FAILURES: [args: string[], code: number, message: string][] = [
  [["dump", "deno.json"], 1, 'a GGUF file starts with "GGUF"'],
  [["set", STORIES, "new", "1"], 1, "its type is wanted (--type string)"],
  [["set", STORIES, "general.alignment", "1", "--type", "u32"], 1, "force"],
  [["set", STORIES, "", "1", "--type", "u32"], 1, "the key is empty"],
  [["set", STORIES, "general.name"], 2, "one of a value, --file and --remove"],
  [["set", STORIES, "a", "1", "--type", "u7"], 2, "argument 'u7' is invalid"],
  [["merge", STORIES, "/no/folder/x.gguf"], 1, "it is no part of several"],
  [["split", STORIES, "/no/folder/x"], 1, "Cannot write"],
  [["split", STORIES, "x", "--max-size", "0"], 2, "A size such as 500M or 2G"],
  [
    ["split", STORIES, "x", "--max-size", "1G", "--max-tensors", "2"],
    2,
    "cannot be used with",
  ],
  [["hash", "/none-00001-of-00002.gguf"], 1, "part 1 of 2"],
  [["nothing"], 2, "unknown command"],
];

Deno.test("gguf says what is wrong, and what is wanted", async () => {
  const results = await Promise.all(
    FAILURES.map(([args]) => runCli(["gguf", ...args])),
  );
  for (const [i, { code, stderr, stdout }] of results.entries()) {
    const [args, wanted, message] = FAILURES[i]!;
    assertEquals([code, stdout], [wanted, ""], args.join(" ") + stderr);
    assertStringIncludes(stderr, message);
  }
});
