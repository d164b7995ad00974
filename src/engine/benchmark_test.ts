import { assertEquals, assertGreater, assertRejects } from "@std/assert";
import { makeModel } from "../../tests/models.ts";
import { benchmarkModel, type BenchmarkOptions } from "./benchmark.ts";
import { loadModel } from "./load.ts";

const MODEL = makeModel({ contextLength: 32 });

Deno.test("benchmarkModel() measures each length as often as it is told to", async () => {
  await using model = await loadModel(MODEL);
  const results = await Array.fromAsync(benchmarkModel(model, {
    prompts: [4, 0, 32],
    generations: [3, 30],
    repetitions: 2,
  }));
  assertEquals(results.map(({ nPrompt, nGen }) => [nPrompt, nGen]), [
    [4, 0],
    [32, 0],
    [0, 3],
    [0, 30],
  ]);
  for (const { nPrompt, nGen, samplesNs, samplesTs } of results) {
    assertEquals([samplesNs.length, samplesTs.length], [2, 2]);
    for (const [i, ns] of samplesNs.entries()) {
      assertGreater(ns, 0);
      assertEquals(samplesTs[i], (nPrompt + nGen) / ns * 1e9);
    }
  }
});

Deno.test("benchmarkModel() refuses what does not fit", async () => {
  await using model = await loadModel(MODEL);
  const wrong: [BenchmarkOptions, string][] = [
    [{ prompts: [33], generations: [] }, "the prompt is 33"],
    [{ prompts: [-1], generations: [] }, "the prompt is -1"],
    [{ prompts: [], generations: [32] }, "the generation is 32"],
    [{ prompts: [], generations: [1.5] }, "the generation is 1.5"],
    [{ prompts: [1], generations: [1], repetitions: 0 }, "repetitions is 0"],
  ];
  for (const [options, message] of wrong) {
    await assertRejects(
      () => benchmarkModel(model, options).next(),
      RangeError,
      `Cannot benchmark: ${message}, `,
    );
  }
});

Deno.test("benchmarkModel() stops when its signal aborts", async () => {
  await using model = await loadModel(MODEL);
  const reason = new Error("enough");
  await assertRejects(
    () =>
      Array.fromAsync(benchmarkModel(model, {
        prompts: [4],
        generations: [],
        signal: AbortSignal.abort(reason),
      })),
    Error,
    "enough",
  );
});
