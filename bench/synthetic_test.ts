import { assert, assertEquals, assertGreater } from "@std/assert";
import { runCli } from "../tests/cli.ts";

const TINY = "--shape llama13b --layers 2 --dim 64 --hidden 96 --heads 2 " +
  "--vocabulary 300 -r 1";

function run(args: string) {
  return runCli(args, { program: "bench/synthetic.ts" });
}

Deno.test("bench/synthetic.ts measures a model that no file holds", async () => {
  const { code, stdout, stderr } = await run(
    `${TINY} --type q4_k_m -p 8 -n 4 -d 0,32 --json`,
  );
  assertEquals([code, stderr], [0, ""]);
  const rows = JSON.parse(stdout);
  assertEquals(
    rows.map(({ test }: { test: string }) => test),
    ["pp8", "tg4", "pp8 @ d32", "tg4 @ d32", "ttft1", "ttft8"],
  );
  const [{ model_type, model_filename, model_n_params, model_size }] = rows;
  assertEquals(model_type, "llama 0.11 M Q4_K_M");
  assertEquals(model_filename, "synthetic:llama13b");
  // Two layers, embedding and head, and five norms.
  const matrices = 2 * (4 * 64 * 64 + 3 * 64 * 96) + 2 * 64 * 300;
  assertEquals(model_n_params, matrices + 5 * 64);
  assertGreater(model_size, matrices / 2);
  for (const { avg_ts } of rows) assertGreater(avg_ts, 0);
});

Deno.test("bench/synthetic.ts profiles a model", async () => {
  const { code, stdout, stderr } = await run(
    `${TINY} --type f16 --profile -p 8 --json`,
  );
  assertEquals([code, stderr], [0, ""]);
  const [decode, prompt] = JSON.parse(stdout);
  assertEquals([decode.rows, prompt.rows], [1, 8]);
  assert(decode.kernels.some(({ name }: { name: string }) => /F16/.test(name)));
});

const USAGE: [args: string, message: string][] = [
  ["--shape llama14b", 'no shape "llama14b", one of llama13b, '],
  ["--type q9", 'no type "q9", one of F32, '],
  ["--layers 0", "'0' is invalid"],
  ["--heads 3 --dim 100", "headDim is 33."],
  ["--kv-heads 3", "40 heads, a multiple of the 3 of keys"],
  ["-d 8000 -p 512", "8512 tokens, depth included, the model has 8192"],
  ["model.gguf", "too many arguments"],
];

Deno.test("bench/synthetic.ts explains a usage error", async (t) => {
  for (const [args, message] of USAGE) {
    await t.step(args, async () => {
      const { code, stdout, stderr } = await run(args);
      assertEquals([code, stdout], [2, ""], stderr);
      assert(stderr.startsWith("error: "), stderr);
      assert(stderr.includes(message), stderr);
    });
  }
});
