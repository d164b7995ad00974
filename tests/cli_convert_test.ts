import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { makeCheckpoint } from "./checkpoint/make.ts";
import { runCli, runJson, spawnCli } from "./cli.ts";
import { projectFile } from "./engine.ts";
import { inTempFolder } from "./temp_folder.ts";

const STORIES = projectFile("models/stories260k-f32.gguf");
const ARCHANGEL = projectFile("models/tiny-archangel-q8_0.gguf");

Deno.test("seraph convert writes a file that answers as the one before", async () => {
  await inTempFolder(async (folder) => {
    const input = join(folder, "My-model-260K");
    await Deno.mkdir(input);
    await makeCheckpoint(input, { gguf: STORIES, format: "pytorch" });
    const output = join(folder, "out.gguf");
    const json = await runJson([
      "convert",
      input,
      "-o",
      output,
      "--type",
      "f32",
    ]);
    assertEquals(json.type, "F32");
    assertEquals(json.name, "My Model 260K");
    assertEquals(json.tensors.length, 47);
    assertEquals(json.outputBytes, (await Deno.stat(output)).size);
    const ask = (model: string) =>
      runCli(
        [
          "generate",
          model,
          "--prompt",
          "Once upon a time",
          "--max-tokens",
          "8",
        ],
      );
    const [before, after] = await Promise.all([
      ask(String(STORIES)),
      ask(output),
    ]);
    assertEquals(after!.stdout, before!.stdout);
    assert(after!.stdout.length > 8, after!.stderr);
  });
});

Deno.test("seraph convert tells what became of the weights", async () => {
  await inTempFolder(async (folder) => {
    await makeCheckpoint(folder, {
      gguf: STORIES,
      config: { "rope_scaling": { type: "dynamic", factor: 2 } },
    });
    const output = join(folder, "out.gguf");
    const { code, stdout, stderr } = await runCli(
      ["convert", folder, "-o", output, "--type", "q8_0", "--name", "x"],
    );
    assertEquals(code, 0, stderr);
    assertStringIncludes(stdout, "F32, as it was");
    assertStringIncludes(stdout, `out.gguf: x, Q8_0, 260032 weights:`);
    assertStringIncludes(stderr, "warning: dynamic RoPE scaling");
  });
});

Deno.test("seraph convert says what is wrong in a line", async () => {
  const { code, stdout, stderr } = await runCli("convert tests -o x.gguf");
  assertEquals([code, stdout], [1, ""]);
  assertEquals(
    stderr,
    'error: Cannot convert "tests": it has no config.json\n',
  );
  assertEquals((await runCli("convert tests")).code, 2);
  const typo = await runCli("convert tests -o x.gguf --type q4_k_n");
  assertEquals(typo.code, 2);
  assertStringIncludes(typo.stderr, "'q4_k_n' is invalid. One of Q2_K_S,");
});

Deno.test("seraph convert removes what it has written when it is asked to end", async () => {
  await inTempFolder(async (folder) => {
    const input = join(folder, "in");
    await Deno.mkdir(input);
    await makeCheckpoint(input, { gguf: ARCHANGEL });
    const output = join(folder, "out.gguf");
    const names = () => [...Deno.readDirSync(folder)].map(({ name }) => name);
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      const child = spawnCli(
        ["convert", input, "-o", output, "--type", "q5_k_s", "--workers", "0"],
      );
      void child.stdin.close();
      while (names().length === 1) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      child.kill(signal);
      const { code, stderr } = await child.output();
      assertEquals([code, new TextDecoder().decode(stderr)], [130, ""]);
      assertEquals(names(), ["in"]);
    }
  });
});
