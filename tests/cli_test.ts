import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { runCli, runJson } from "./cli.ts";

const STORIES = "models/stories260k-f32.gguf";
const ARCHANGEL = "models/tiny-archangel-q8_0.gguf";
const VOCABULARY = "tests/fixtures/tokenizers/ggml-vocab-llama-spm.gguf";

/** The fields of a generation's JSON, those of `timings` and `usage` included. */
function assertGenerationFields(
  json: Record<string, Record<string, unknown>>,
  ...others: string[]
): void {
  assertEquals(
    Object.keys(json).sort(),
    ["finishReason", "ids", "text", "timings", "usage", ...others]
      .sort(),
  );
  assertEquals(Object.keys(json.usage!), [
    "promptTokens",
    "reusedTokens",
    "completionTokens",
  ]);
  assertEquals(Object.keys(json.timings!), [
    "loadMs",
    "firstTokenMs",
    "prefillMs",
    "decodeMs",
    "prefillTokensPerSecond",
    "decodeTokensPerSecond",
  ]);
  for (const value of Object.values(json.timings!)) {
    assert(typeof value === "number" && value >= 0);
  }
}

Deno.test("seraph inspect --json describes the file", async () => {
  const json = await runJson(`inspect ${STORIES}`);
  assertEquals(Object.keys(json), [
    "label",
    "version",
    "size",
    "metadata",
    "config",
    "problem",
    "fileType",
    "parameters",
    "tensors",
    "bytesByType",
  ]);
  const { metadata, config, tensors, bytesByType } = json;
  assertEquals(metadata["general.architecture"], "llama");
  assertEquals(config.dim, 64);
  assertEquals(json.problem, null);
  assertEquals(tensors.length, 47);
  assertEquals(tensors[0], {
    name: "token_embd.weight",
    type: "F32",
    shape: [64, 512],
    offset: tensors[0].offset,
    bytes: 131072,
  });
  assertEquals(bytesByType, { F32: 4 * json.parameters });
  const full = await runJson(`inspect ${STORIES} --full`);
  assertEquals(full.metadata["tokenizer.ggml.tokens"].length, 512);
});

Deno.test("seraph inspect is readable, also for a file that cannot be run", async () => {
  const { code, stdout } = await runCli(`inspect ${STORIES}`);
  assertEquals(code, 0);
  assertMatch(stdout, /GGUF 3, 1\.01 MiB, 260032 weights in 47 tensors\n/);
  assertMatch(stdout, /^blk\.4\.ffn_down\.weight +F32 +172 x 64 +44032$/m);
  const vocabulary = await runCli(`inspect ${VOCABULARY}`);
  assertEquals(vocabulary.code, 0);
  assertStringIncludes(vocabulary.stdout, "It cannot be run: ");
});

Deno.test("seraph tokenize and detokenize turn text into ids and back", async () => {
  const text = "Hello, wörld! <s> 漢字 🙂\n  end";
  for (const model of [VOCABULARY, ARCHANGEL]) {
    const json = await runJson(["tokenize", model, "--text", text]);
    assertEquals(Object.keys(json), ["ids", "pieces"]);
    assertEquals(json.ids[0], 1);
    assertEquals(json.pieces.length, json.ids.length);
    const detokenize = (ids: number[], ...args: string[]) =>
      runJson(["detokenize", model, "--ids", ids.join(","), ...args]);
    assertEquals(await detokenize(json.ids.slice(1)), { text });
    // As in llama.cpp, BOS leaves the space that encoding put before the text.
    assertEquals(await detokenize(json.ids), { text: ` ${text}` });
    assertEquals(await detokenize(json.ids, "--special"), {
      text: `<s> ${text}`,
    });
  }
});

Deno.test("seraph tokenize obeys --special, --no-bos and --file", async () => {
  const text = "a</s>";
  const tokenize = (...args: string[]) =>
    runJson(["tokenize", VOCABULARY, ...args]);
  const plain = (await tokenize("--text", text)).ids;
  const special = (await tokenize("--text", text, "--special")).ids;
  const bare = (await tokenize("--text", text, "--no-bos")).ids;
  assertEquals(special, [1, 263, 2]);
  assertEquals(bare, plain.slice(1));
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(file, text);
    assertEquals((await tokenize("--file", file)).ids, plain);
  } finally {
    await Deno.remove(file);
  }
  const table = await runCli(["tokenize", VOCABULARY, "--text", "Hello"]);
  assertEquals(table.stdout, '    1  "<s>"\n15043  " Hello"\n');
  const line = await runCli(["detokenize", VOCABULARY, "--ids", "15043"]);
  assertEquals(line.stdout, "Hello\n");
});

Deno.test("seraph logits --json gives each position's best next tokens", async () => {
  const ids = "1,403,407,261,378";
  const json = await runJson(`logits ${STORIES} --ids ${ids} --kv f32`);
  assertEquals(Object.keys(json), ["loglikelihood", "positions"]);
  assertEquals(json.positions.length, 5);
  let sum = 0;
  for (const [i, position] of json.positions.entries()) {
    assertEquals(Object.keys(position), ["id", "logprob", "top"]);
    assertEquals(position.id, Number(ids.split(",")[i]));
    assertEquals(position.logprob === null, i === 0);
    sum += position.logprob ?? 0;
    assertEquals(position.top.length, 10);
    assertEquals(Object.keys(position.top[0]), ["id", "logit", "logprob"]);
  }
  assertAlmostEquals(json.loglikelihood, sum, 1e-9);
  assertEquals(json.positions[3].top[0].id, 378);

  const text = await runCli(
    `logits ${STORIES} --ids ${ids} --top 3 --activations f32`,
  );
  assertMatch(text.stdout, /^ +407 +" upon" +-0\.0/m);
  assertMatch(text.stdout, /\nlog-likelihood -\d+\.\d+\n$/);
});

Deno.test("seraph generate --json continues a text", async () => {
  const args = `generate ${STORIES} --max-tokens 8`.split(" ");
  const json = await runJson([...args, "--prompt", "Once upon"]);
  assertGenerationFields(json);
  assertEquals(json.text, " a time, there was a little g");
  assertEquals(json.finishReason, "length");
  assertEquals(json.usage, {
    promptTokens: 3,
    reusedTokens: 0,
    completionTokens: 8,
  });
  // The same as ids that are taken as they are.
  const same = await runJson([...args, "--ids", "1, 403 407"]);
  assertEquals(same.ids, json.ids);
  const stopped = await runJson([
    ...args,
    "--prompt",
    "Once upon",
    "--stop",
    "zzz",
    "--stop",
    "there",
  ]);
  assertGenerationFields(stopped, "stopString");
  assertEquals(stopped.text, " a time, ");
  assertEquals(stopped.stopString, "there");
});

Deno.test("seraph generate prints the text, and samples as it is told to", async () => {
  const args = ["generate", STORIES, "--prompt", "Once upon", "--max-tokens"];
  const text = await runCli([...args, "4"]);
  assertEquals(text, { code: 0, stdout: " a time, there\n", stderr: "" });
  const sampling = "--temperature 1 --top-k 40 --top-p 0.95 --min-p 0.05"
    .split(" ");
  const sampled = (seed: string) =>
    runJson([...args, "32", ...sampling, "--seed", seed]);
  const [one, again, other] = [
    await sampled("1"),
    await sampled("1"),
    await sampled("2"),
  ];
  assertEquals(one.seed, 1);
  assertEquals(again.text, one.text);
  assert(other.text !== one.text);
  const biased = "--preset creative --seed 3 --samplers minP,temperature,xtc";
  const { text: changed, seed } = await runJson([
    ...[...args, "4", ...biased.split(" "), "--ban", "e"],
    ...["--logit-bias", " there=9", "--logit-bias", "2=-1"],
  ]);
  assertEquals(seed, 3);
  assertEquals(changed, " there there there there");
});

Deno.test("seraph chat --json answers and shows its prompt", async () => {
  const question = "What is the capital of France?";
  const args = ["chat", ARCHANGEL, "--control", "good", "--message", question];
  const json = await runJson(args);
  assertGenerationFields(json, "prompt", "promptIds");
  assertEquals(json.text, "The capital of France is Paris.");
  assertEquals(json.finishReason, "stop");
  assertEquals(
    json.prompt,
    `<|user|>\n${question}\n<|assistant|>\n<|good|>`,
  );
  assertEquals(json.promptIds[0], 1);
  assertEquals(json.promptIds.at(-1), 32000);
  assertEquals(json.promptIds.length, json.usage.promptTokens);

  const answer = {
    code: 0,
    stdout: "The capital of Japan is Tokyo.\n",
    stderr: "",
  };
  const more = [json.text, "And Japan?"];
  const flags = more.flatMap((text) => ["--message", text]);
  assertEquals(await runCli([...args, ...flags]), answer);
  assertEquals(await runCli([...args, ...more]), answer);
});

Deno.test("seraph chat talks until its input ends", async () => {
  const stdin = "What is the capital of France?\nAnd Japan?\n";
  const { code, stdout, stderr } = await runCli(
    `chat ${ARCHANGEL} --control good`,
    { stdin },
  );
  assertEquals(code, 0, stderr);
  assertEquals(
    stdout,
    "The capital of France is Paris.\nThe capital of Japan is Tokyo.\n",
  );
});

Deno.test("seraph chat goes on after an error in one turn", async () => {
  const long = "long ".repeat(600);
  const { code, stdout, stderr } = await runCli(
    `chat ${ARCHANGEL} --control good`,
    { stdin: `${long}\nWhat is the capital of France?\n\nnever read\n` },
  );
  assertEquals(code, 0, stderr);
  assertEquals(stdout.trim(), "The capital of France is Paris.");
  assertStringIncludes(stderr, "error: Cannot fit the chat into the context");
});

const COLUMNS = [
  "build_version",
  "backends",
  "gpu_info",
  "model_filename",
  "model_type",
  "model_size",
  "model_n_params",
  "n_batch",
  "type_k",
  "type_v",
  "n_prompt",
  "n_gen",
  "n_depth",
  "test_time",
  "avg_ns",
  "stddev_ns",
  "avg_ts",
  "stddev_ts",
  // What follows llama-bench does not have.
  "test",
  "p10_ns",
  "p50_ns",
  "p90_ns",
  "read_bytes",
  "read_gb_s",
  "stream_gb_s",
  "stream_fraction",
  "cpu_ms",
];

Deno.test("seraph bench has llama-bench's columns in each format", async () => {
  const args = `bench ${STORIES} -p 8 -n 4 -r 2`;
  const rows = await runJson(`${args} -d 0,16`);
  for (const row of rows) {
    assertEquals(Object.keys(row), [...COLUMNS, "samples_ns", "samples_ts"]);
    assertEquals(row.samples_ts.length, 2);
    assertGreater(row.avg_ts, 0);
    assert(row.p10_ns <= row.p50_ns && row.p50_ns <= row.p90_ns);
    const generation = row.n_prompt === 0;
    for (const name of ["read_bytes", "read_gb_s", "stream_gb_s", "cpu_ms"]) {
      if (generation) assertGreater(row[name], 0, name);
      else assertEquals(row[name], null, name);
    }
  }
  assertEquals(
    rows.map((row: Record<string, unknown>) => [
      ...[row.test, row.n_prompt, row.n_gen, row.n_depth],
    ]),
    [
      ["pp8", 8, 0, 0],
      ["tg4", 0, 4, 0],
      ["pp8 @ d16", 8, 0, 16],
      ["tg4 @ d16", 0, 4, 16],
      ["ttft1", 1, 1, 0],
      ["ttft8", 8, 1, 0],
    ],
  );

  const lines = async (format: string) =>
    (await runCli(`${args} -o ${format}`)).stdout.trimEnd().split("\n");
  const jsonl = (await lines("jsonl")).map((line) => JSON.parse(line));
  assertEquals(jsonl.map(({ test }) => test), ["pp8", "tg4", "ttft1", "ttft8"]);
  assertEquals(Object.keys(jsonl[1]), Object.keys(rows[1]));
  const csv = await lines("csv");
  assertEquals(csv[0], COLUMNS.join(","));
  assertEquals(csv.length, 5);
  assertEquals(csv[1]!.split('","').length, COLUMNS.length);
  const md = await lines("md");
  assertEquals(md.length, 4 + 4 + 5);
  assertMatch(
    md[2]!,
    /^\| llama 0\.26 M F32 \| .* \| pp8 \| [\d.]+ ± [\d.]+ \|$/,
  );
  assertMatch(md[3]!, /\| tg4 \|/);
  assertMatch(md[5]!, /^\| generation \| .* \| of [\d.]+ GB\/s \| /);
  assertMatch(md[7]!, /^\| tg4 \| [\d.]+ \| [\d.]+ \| \d+ % \| [\d.]+ \|$/);
  assertMatch(md[11]!, /^\| 1 \|( [\d.]+ ms \|){3}$/);
  for (const line of md) assert(line.length <= 100, line);
});

Deno.test("seraph bench --profile tells where the GPU's time goes", async () => {
  const args = `bench ${STORIES} --profile -p 16 -d 0,300 -r 1`;
  const profiles = await runJson(args);
  assertEquals(
    profiles.map((p: Record<string, unknown>) => [p.test, p.rows, p.depth]),
    [["decode", 1, 0], ["decode", 1, 300], ["prompt", 16, 0]],
  );
  for (const { seconds, passSeconds, stages, kernels } of profiles) {
    assertGreater(passSeconds, 0);
    for (const entries of [stages, kernels]) {
      const sum = (of: "seconds" | "share" | "dispatches") =>
        entries.reduce(
          (sum: number, entry: Record<string, number>) => sum + entry[of]!,
          0,
        );
      assertAlmostEquals(sum("seconds") / seconds, 1, 1e-6);
      assertAlmostEquals(sum("share"), 1, 1e-6);
    }
  }
  const [decode] = profiles;
  const names = decode.stages.map(({ name }: { name: string }) => name);
  assertEquals(names.filter((name: string) => name !== "sample"), [
    ...["embed", "qkv", "attention", "output", "gate_up", "down"],
    ...["norm", "head"],
  ]);
  const md = (await runCli(args)).stdout;
  assertMatch(md, /^decode at depth 300: [\d.]+ ms in one pass, /m);
  assertMatch(md, /^gate_up +5 +[\d.]+ +[\d.]+ % +[\d.]+$/m);
  const csv = (await runCli(`${args} -o csv`)).stdout.split("\n");
  const columns = "test,rows,depth,by,name,dispatches,seconds,share,readBytes";
  assertEquals(csv[0], columns);
  assertMatch(csv[1]!, /^"decode","1","0","stage","embed","1",/);
});

Deno.test("seraph doctor shows the GPU and tests its kernels", async () => {
  const json = await runJson("doctor");
  assertEquals(Object.keys(json), [
    "adapter",
    "driver",
    "runtime",
    "features",
    "subgroupSize",
    "syncReadback",
    "limits",
    "tuning",
    "selfTest",
  ]);
  assertGreater(json.limits.maxBufferSize, 0);
  assertGreater(json.selfTest.length, 10);
  for (const test of json.selfTest) assert(test.ok, test.kernel);
  const { code, stdout } = await runCli("doctor");
  assertEquals(code, 0);
  assertMatch(stdout, /^adapter +\S/m);
  assertMatch(stdout, /^ok +rms_norm/m);
});
