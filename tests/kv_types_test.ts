import { assertEquals, assertGreater } from "@std/assert";
import { loadModel } from "../mod.ts";
import { headBytes, KV_TYPES } from "../src/kernels/kv_cache.ts";
import { assertMatchesOracle, continueIds, projectFile } from "./engine.ts";
import { readGoldens } from "./goldens.ts";
import { makeModel } from "./models.ts";

const EMBEDDED = [
  ["stories260K-F32", "models/stories260k-f32.gguf"],
  ["tiny-archangel-Q8_0", "models/tiny-archangel-q8_0.gguf"],
] as const;

/**
 * Difference of the best two logits that the cache's rounding cannot make up
 * for: behind a closer choice the texts may be different ones.
 */
const CLEAR = { f16: 0.02, f32: 0.01, "q8_0": 0.3 };

for (const [golden, file] of EMBEDDED) {
  for (const kv of KV_TYPES) {
    Deno.test(`${golden} goes on as llama.cpp does when its cache is ${kv}`, async () => {
      await using model = await loadModel(projectFile(file), { kv });
      let compared = 0;
      for (const { ids, greedy } of await readGoldens(golden)) {
        const close = greedy.margin.findIndex((margin) => margin <= CLEAR[kv]);
        const maxTokens = close < 0 ? greedy.ids.length : close;
        if (maxTokens === 0) continue;
        const actual = await continueIds(model, ids, { maxTokens });
        assertEquals(actual, greedy.ids.slice(0, maxTokens));
        compared += maxTokens;
      }
      assertGreater(compared, 10);
    });
  }
}

Deno.test("Model.gpuBytes counts the cache as its type has it", async () => {
  const file = projectFile(EMBEDDED[0][1]);
  const bytes: Record<string, number> = {};
  for (const kv of KV_TYPES) {
    await using model = await loadModel(file, { kv, contextLength: 512 });
    bytes[kv] = model.gpuBytes;
  }
  await using model = await loadModel(file);
  const { layers, kvHeads, headDim } = model.config;
  const cache = (kv: "f16" | "f32" | "q8_0") =>
    2 * layers * 512 * kvHeads * headBytes(headDim, kv);
  assertEquals(bytes["f32"]! - bytes["f16"]!, cache("f32") - cache("f16"));
  assertEquals(bytes["q8_0"]! - bytes["f16"]!, cache("q8_0") - cache("f16"));
});

const LONG = Array.from({ length: 530 }, (_, i) => 3 + (i * i) % 250);

for (const batchSize of [512, 1]) {
  for (const heads of [1, 2]) {
    Deno.test(`a model of ${heads} heads matches the oracle when its context is cut into parts, in batches of ${batchSize}`, async () => {
      const input = makeModel({
        dim: 16,
        hiddenDim: 16,
        layers: 1,
        heads,
        kvHeads: 1,
        contextLength: 1024,
      });
      await assertMatchesOracle(input, { ids: LONG, batchSize });
    });
  }
}
