import {
  assert,
  assertEquals,
  assertLess,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { runCli, runJson, spawnCli } from "./cli.ts";

const TINY = "bench --kernels --small --formats Q8_0,f16 --shapes 256x70 " +
  "--columns 1,5 -r 3 --seconds 0.001";

Deno.test("seraph bench --kernels prints each case as JSON, CSV and a table", async () => {
  const rows: Record<string, string | number>[] = await runJson(TINY);
  const cases = new Set(rows.map((row) => `${row.format} ${row.columns}`));
  assertEquals([...cases], ["Q8_0 1", "Q8_0 5", "F16 1", "F16 5"]);
  for (const row of rows) {
    assertEquals([row.inputs, row.outputs], [256, 70]);
    assert(Number(row.median_ns) > 0 && Number(row.stream_gbs) > 0);
  }

  const lines = async (format: string) => {
    const { code, stdout, stderr } = await runCli(`${TINY}${format}`);
    assertEquals([code, stderr], [0, ""]);
    return stdout.trimEnd().split("\n");
  };
  const keys = Object.keys(rows[0]!);
  const csv = await lines(" -o csv");
  assertEquals(csv[0], keys.join(","));
  assertEquals(csv.length, rows.length + 1);
  for (const line of csv.slice(1)) {
    assertEquals(line.slice(1, -1).split('","').length, keys.length);
  }
  const table = await lines("");
  assertEquals(table.length, 9 + rows.length);
  assertMatch(table.at(-1)!, /^F16 +256x70 +5 \w+ +[\d.]+ /);
  for (const line of table) assertLess(line.length, 81);
});

Deno.test("seraph bench --plot draws what it measured", async () => {
  const folder = await Deno.makeTempDir();
  const plot = `${folder}/roofline.svg`;
  try {
    const { code, stderr } = await runCli([...TINY.split(" "), "--plot", plot]);
    assertEquals([code, stderr], [0, ""]);
    const svg = await Deno.readTextFile(plot);
    assert(svg.startsWith("<svg xmlns="));
    assertStringIncludes(svg, ">Q8_0</text>");
    const missing = `${folder}/none/roofline.svg`;
    const failed = await runCli([...TINY.split(" "), "--plot", missing]);
    assertEquals([failed.code, failed.stdout], [1, ""]);
    assertStringIncludes(failed.stderr, missing);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

const USAGE: [args: string, message: string][] = [
  ["bench", "missing required argument 'model', or --kernels"],
  ["bench --kernels model.gguf", 'takes no model, "model.gguf"'],
  ["bench model.gguf --formats Q4_0", "'--formats' needs --kernels"],
  ["bench --kernels -p 64", "'--n-prompt' is for models"],
  ["bench --kernels --formats Q9", 'Cannot benchmark "Q9"'],
  ["bench --kernels --formats ,", "formats is empty"],
  ["bench --kernels --shapes 64", '"64" is no shape'],
  ["bench --kernels --shapes 100x7 --formats Q8_0", "whole blocks of 32"],
  ["bench --kernels --columns 0", "'0' is invalid"],
  ["bench --kernels --seconds 0", "'0' is invalid"],
  ["bench --kernels --plot roofline.png", ".svg is wanted"],
];

Deno.test("seraph bench --kernels explains a usage error", async (t) => {
  for (const [args, message] of USAGE) {
    await t.step(args, async () => {
      const { code, stdout, stderr } = await runCli(args);
      assertEquals([code, stdout], [2, ""], stderr);
      assert(stderr.startsWith("error: "), stderr);
      assertStringIncludes(stderr, message);
    });
  }
});

Deno.test("seraph bench --kernels exits with 130 soon after Ctrl-C", async () => {
  const args = "bench --kernels --small --columns 1 --seconds 60 -o jsonl " +
    "--formats F16,Q8_0";
  const child = spawnCli([...args.split(" "), "-r", "1000"]);
  // In the middle of the ceilings, which take minutes at this rate.
  let interrupted = 0;
  setTimeout(() => {
    interrupted = performance.now();
    child.kill("SIGINT");
  }, 1500);
  await child.stdin.close();
  const [{ code }, stderr] = await Promise.all([
    child.status,
    new Response(child.stderr).text(),
    new Response(child.stdout).text(),
  ]);
  assertEquals([code, stderr], [130, ""]);
  assertLess(performance.now() - interrupted, 1500);
});
