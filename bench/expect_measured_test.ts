// deno-lint-ignore-file camelcase -- llama-bench's names
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { readMeasured } from "./expect_measured.ts";

const LARGE = { model_n_params: 13_015_864_320 };
const SMALL = { model_n_params: 10_000_000 };

Deno.test("readMeasured() takes what is there in place of assumptions", async () => {
  const folder = await Deno.makeTempDir();
  try {
    assertEquals(await readMeasured(folder), { assumptions: {}, rows: [] });
    const write = (name: string, ...values: unknown[]) =>
      Deno.writeTextFile(
        `${folder}/${name}`,
        values.map((value) => `${JSON.stringify(value)}\n`).join(""),
      );
    await write("probe.json", {
      streamGBs: 2900,
      fmaGFlops: 50_000,
      dot4GFlops: 90_000,
      dependentDispatchUs: 3,
      submitAndReadUs: 70,
    });
    await write("encode.json", { depths: [{ stepMs: 0.4 }, { stepMs: 0.5 }] });
    const kernel = { format: "Q4_0", columns: 1, inputs: 5120, outputs: 5120 };
    await write(
      "kernels.jsonl",
      { ...kernel, gpu_stream_fraction: 0.7 },
      { ...kernel, inputs: 13824, gpu_stream_fraction: 0.8 },
      { ...kernel, columns: 8, gpu_stream_fraction: 0.9 },
    );
    const model = { model_type: "llama 13.02 B Q4_0", test: "tg128" };
    await write(
      "synthetic.jsonl",
      { ...model, model_filename: "synthetic:llama13b", avg_ts: 250, ...LARGE },
      { ...model, model_filename: "synthetic:llama13b", avg_ts: 999, ...SMALL },
      {
        ...model,
        model_filename: "synthetic:tinyllama",
        avg_ts: 900,
        ...LARGE,
      },
    );
    const { assumptions, rows } = await readMeasured(folder);
    const { formatFractions, ...numbers } = assumptions;
    assertEquals(numbers, {
      streamGBs: 2900,
      fmaGFlops: 50_000,
      dot4GFlops: 90_000,
      stepUs: 3,
      readUs: 70,
      cpuMs: 0.4,
    });
    assertAlmostEquals(formatFractions!["Q4_0"]!, 0.8, 1e-9);
    assertEquals(rows, [{ type: "Q4_0", test: "tg128", tokensPerSecond: 250 }]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
