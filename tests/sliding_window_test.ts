import { assertEquals } from "@std/assert";
import { loadModel } from "../mod.ts";
import { assertMatchesOracle, continueIds, scoredLogits } from "./engine.ts";
import { madeIds, makeModel } from "./models.ts";

for (const slidingWindow of [5, 16, 64]) {
  const input = makeModel({ slidingWindow, contextLength: 160 });
  const ids = madeIds(2 * slidingWindow + 7);
  for (const batchSize of [512, 7, 1]) {
    for (const subgroups of [true, false]) {
      const where = subgroups ? "" : " (no subgroups)";
      Deno.test(`a model with a window of ${slidingWindow} gives the oracle's logits in batches of ${batchSize}${where}`, () =>
        assertMatchesOracle(input, { ids, batchSize, subgroups }));
    }
  }
}

for (const kv of ["f16", "q8_0"] as const) {
  Deno.test(`a model with a window and a KV cache in ${kv} stays near the oracle`, async () => {
    const input = makeModel({ slidingWindow: 16, dim: 64, contextLength: 80 });
    const limit = kv === "f16" ? 1e-5 : 1e-3;
    await assertMatchesOracle(input, { ids: madeIds(61), kv, limit });
  });
}

Deno.test("a model is the same with a window when its context fits in", async () => {
  const ids = madeIds(60);
  const run = async (slidingWindow?: number) => {
    const options = slidingWindow === undefined ? {} : { slidingWindow };
    const input = makeModel({ ...options, contextLength: 80 });
    await using model = await loadModel(input);
    return [await scoredLogits(model, ids), await continueIds(model, ids)];
  };
  const plain = await run();
  assertEquals(await run(80), plain);
  assertEquals(await run(4096), plain);
});
