import {
  assert,
  assertEquals,
  assertLess,
  assertStringIncludes,
} from "@std/assert";
import { runCli, spawnCli } from "./cli.ts";

const STORIES = "models/stories260k-f32.gguf";
const VOCABULARY = "tests/fixtures/tokenizers/ggml-vocab-llama-spm.gguf";

const FAILURES: [what: string, args: string, message: string][] = [
  ["no such file", "inspect /no/such/file", '"/no/such/file": no such file'],
  ["a directory", "tokenize models --text a", '"models": it is a directory'],
  ["no GGUF file", "generate deno.json --prompt a", "deno.json"],
  ["no such text", `tokenize ${STORIES} --file /none`, '"/none": no such file'],
  ["an id out of range", `detokenize ${STORIES} --ids 5,512`, "512"],
  ["an id out of range", `generate ${STORIES} --ids 1,512`, "512"],
  ["an id out of range", `logits ${STORIES} --ids 1,512`, "512"],
  ["no ids", `logits ${STORIES} --ids ,`, "0 tokens"],
  ["an empty prompt", `generate ${STORIES} --prompt `, 'the prompt is ""'],
  [
    "weights that are missing",
    `generate ${VOCABULARY} --prompt a`,
    [
      VOCABULARY,
      '": tensor "token_embd.weight" is missing',
    ].join(""),
  ],
  [
    "a missing control token",
    `chat ${STORIES} --message a --control good`,
    '"<|good|>"',
  ],
  [
    "a missing template",
    `chat ${STORIES} --message a --format template`,
    '"template"',
  ],
  [
    "a marker",
    `chat ${STORIES} --markers reject --message <|user|>`,
    "<|user|>",
  ],
  ["a long context", `generate ${STORIES} --prompt a --context 513`, "513"],
  ["no time to benchmark", `bench ${STORIES} -d 512`, "the depth is 512"],
];

Deno.test("seraph says what went wrong in one line and exits with 1", async (t) => {
  for (const [what, args, message] of FAILURES) {
    await t.step(`${what}: ${args}`, async () => {
      const { code, stdout, stderr } = await runCli(args);
      assertEquals(code, 1, stderr);
      assertEquals(stdout, "");
      assertEquals(stderr.trimEnd().split("\n").length, 1, stderr);
      assert(stderr.startsWith("error: Cannot "), stderr);
      assertStringIncludes(stderr, message);
    });
  }
});

const USAGE: [args: string, message: string][] = [
  ["nonsense", "unknown command 'nonsense'"],
  [`generate ${STORIES} --nonsense`, "unknown option '--nonsense'"],
  ["generate", "missing required argument 'model'"],
  [`generate ${STORIES} extra --prompt a`, "too many arguments"],
  ["download http://h/m.gguf --sha256 abc", "64 hex digits are wanted"],
  [`generate ${STORIES}`, "one of --prompt and --ids"],
  [`generate ${STORIES} --prompt a --ids 1`, "one of --prompt and --ids"],
  [`generate ${STORIES} --prompt a --max-tokens ten`, "'ten' is invalid"],
  [`generate ${STORIES} --prompt a --max-tokens 1.5`, "'1.5' is invalid"],
  [`generate ${STORIES} --prompt a --temperature -1`, "'-1' is invalid"],
  [`generate ${STORIES} --prompt a --top-p 1.5`, "'1.5' is invalid"],
  [`generate ${STORIES} --prompt a --seed 4294967296`, "4294967296"],
  [`generate ${STORIES} --prompt a --preset best`, "greedy, neutral"],
  [`generate ${STORIES} --prompt a --kv f8`, "f16, f32, q8_0"],
  [`generate ${STORIES} --prompt a --batch 0`, "'0' is invalid"],
  [`generate ${STORIES} --ids 1,x`, "'1,x' is invalid"],
  [`tokenize ${STORIES}`, "one of --text and --file"],
  [`detokenize ${STORIES}`, "'--ids <ids>' not specified"],
  [`logits ${STORIES} --ids 1 --activations int4`, "f32, int8"],
  [`generate ${STORIES} --prompt a --tune on`, "off, cached, force"],
  [`chat ${STORIES} --message a --format chatml`, "tulu2-eos"],
  [`chat ${STORIES} --message a --control ugly`, "good, bad"],
  [`chat ${STORIES} --message a --message b`, "2 messages"],
  [`chat ${STORIES} --json`, "--json needs --message"],
  [`bench ${STORIES} -o xml`, "md, json, jsonl, csv"],
  [`bench ${STORIES} -p 513`, "take a context of 513 tokens"],
  [`bench ${STORIES} -p 8 -d 505`, "513 tokens, depth included"],
  [`bench ${STORIES} -n 8 --context 8`, "9 tokens, depth included"],
  [`bench ${STORIES} --profile -d 512`, "the model has 512"],
];

Deno.test("seraph explains a usage error and exits with 2", async (t) => {
  for (const [args, message] of USAGE) {
    await t.step(args, async () => {
      const { code, stdout, stderr } = await runCli(args);
      assertEquals(code, 2, stderr);
      assertEquals(stdout, "");
      assert(stderr.startsWith("error: "), stderr);
      assertStringIncludes(stderr, message);
      assertStringIncludes(stderr, "--help");
    });
  }
});

Deno.test("seraph shows its help on stdout when asked, else on stderr", async () => {
  for (const args of ["--help", "help", "generate --help"]) {
    const { code, stdout, stderr } = await runCli(args);
    assertEquals([code, stderr], [0, ""]);
    assertStringIncludes(stdout, "Usage: seraph");
  }
  const { code, stdout, stderr } = await runCli([]);
  assertEquals([code, stdout], [2, ""]);
  assertStringIncludes(stderr, "Usage: seraph");
});

Deno.test("seraph ends quietly when nobody reads its output any more", async () => {
  const child = spawnCli([
    ...`generate ${STORIES} --prompt Once --ignore-eos`.split(" "),
  ]);
  const reader = child.stdout.getReader();
  await reader.read();
  await reader.cancel(); // as `| head -1` does
  await child.stdin.close();
  const stderr = await new Response(child.stderr).text();
  assertEquals(stderr, "");
  assertEquals((await child.status).code, 0);
});

Deno.test("seraph generate exits with 130 soon after Ctrl-C", async () => {
  // Token by token for ever so long.
  const child = spawnCli([
    ...`generate ${STORIES} --prompt Once --ignore-eos`.split(" "),
  ]);
  const reader = child.stdout.getReader();
  await reader.read();
  const start = performance.now();
  child.kill("SIGINT");
  await child.stdin.close();
  const { code } = await child.status;
  assertLess(performance.now() - start, 1500);
  assertEquals(code, 130);
  while (!(await reader.read()).done);
  assertEquals(await new Response(child.stderr).text(), "");
});
