import { join } from "node:path";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { runCli, runJson } from "./cli.ts";
import { importanceDat } from "./importance.ts";
import { inTempFolder } from "./temp_folder.ts";

const STORIES = "models/stories260k-f32.gguf";

Deno.test("seraph quantize writes a file that runs, and says how fast", async () => {
  await inTempFolder(async (folder) => {
    const output = join(folder, "q8.gguf");
    const { code, stdout, stderr } = await runCli(
      ["quantize", STORIES, output, "q8_0", "--workers", "1"],
    );
    assertEquals([code, stderr.includes("F16 in place of Q8_0")], [0, true]);
    assertMatch(
      stdout,
      /31 +F32 to Q8_0\n *5 +F32 to F16[^]*Q8_0, 1.01 MiB became 336.4 KiB in [\d.]+ s \([\d.]+ [KMG]iB\/s, [\d.]+ million weights\/s, 1 worker\)/,
    );
    const answer = await runJson([
      "generate",
      output,
      ...["--prompt", "Once upon a time", "--max-tokens", "4", "--json"],
      ...["--temperature", "0"],
    ]);
    assertEquals(answer.text, ", there was a");
  });
});

Deno.test("seraph quantize --json describes what was done", async () => {
  await inTempFolder(async (folder) => {
    const output = join(folder, "q4.gguf");
    const json = await runJson([
      "quantize",
      ...[STORIES, output, "Q4_K_M", "--json", "--pure"],
      ...["--token-embedding-type", "f16", "--workers", "0"],
    ]);
    assertEquals(Object.keys(json), [
      "type",
      "tensors",
      "inputBytes",
      "outputBytes",
      "quantizedWeights",
      "seconds",
      "bytesPerSecond",
      "weightsPerSecond",
      "workers",
      "devices",
    ]);
    assertEquals(json.type, "Q4_K_M");
    assertEquals(json.outputBytes, (await Deno.stat(output)).size);
    const [embedding] = json.tensors.filter(({ name }: { name: string }) =>
      name === "token_embd.weight"
    );
    assertEquals([embedding.from, embedding.to], ["F32", "F16"]);
  });
});

Deno.test("seraph quantize fails in words, and leaves nothing", async () => {
  await inTempFolder(async (folder) => {
    const output = join(folder, "out.gguf");
    const matrix = join(folder, "other.imatrix");
    await Deno.writeFile(
      matrix,
      importanceDat([{ name: "other", calls: 1, sums: [1] }]),
    );
    const cases: [string[], number, string][] = [
      [
        [STORIES, output, "q4"],
        2,
        "'q4' is invalid for argument 'type'. One of Q2_K_S",
      ],
      [
        [STORIES, output, "q4_0", "--output-tensor-type", "q4_k_m"],
        2,
        "'q4_k_m' is invalid. One of Q2_K, Q3_K,",
      ],
      [[STORIES, output], 2, "missing required argument 'type'"],
      [
        [STORIES, output, "q4_0", "--workers", "x"],
        2,
        "A number from 0 to 256",
      ],
      [
        ["models/tiny-archangel-q8_0.gguf", output, "q4_0"],
        1,
        "is Q8_0 already and would become",
      ],
      [
        [STORIES, output, "q4_0", "--imatrix", matrix],
        1,
        'it has no entry "blk.0.attn_k.weight"',
      ],
      [[STORIES, join(folder, "none", "out.gguf"), "q4_0"], 1, "Cannot write"],
    ];
    for (const [args, code, message] of cases) {
      const result = await runCli(["quantize", ...args]);
      assertEquals(result.code, code, result.stderr);
      assert(result.stderr.includes(message), result.stderr);
      assertEquals([...Deno.readDirSync(folder)].length, 1);
    }
  });
});
