import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertRejects,
} from "@std/assert";
import {
  type GenerateOptions,
  loadModel,
  type LoadModelOptions,
  type Model,
} from "../mod.ts";
import { projectFile } from "./engine.ts";
import { readGoldens } from "./goldens.ts";
import { madeIds, makeModel } from "./models.ts";

// Whatever the way in which tokens are computed, they stay the same.

const MODEL = makeModel({ dim: 64, format: "Q8_0", contextLength: 256 });
const STORIES = projectFile("models/stories260k-f32.gguf");
const PROMPT = madeIds(40);

/** Ways to compute tokens. */
const WAYS: [string, GenerateOptions][] = [
  ["one step at a time", { steps: 1 }],
  ["3 steps at a time", { steps: 3 }],
  ["64 steps at a time", { steps: 64 }],
  ["as many steps as seem good", {}],
  ["logits that are read back", { sampler: "cpu" }],
  ["guesses that were looked up", { speculation: "lookup" }],
  ["guesses and 5 steps at a time", { speculation: "lookup", steps: 5 }],
  ["no reuse", { reuse: false }],
];

const CHOICES: [string, GenerateOptions][] = [
  ["greedily", {}],
  ["at temperature 1", { temperature: 1, seed: 3 }],
  ["by all samplers", {
    temperature: 0.9,
    topK: 50,
    topP: 0.95,
    minP: 0.02,
    repeatPenalty: 1.1,
    frequencyPenalty: 0.1,
    seed: 8,
  }],
];

async function idsOf(
  model: Model,
  prompt: readonly number[],
  options: GenerateOptions,
): Promise<number[]> {
  const all = { maxTokens: 50, ignoreEos: true, ...options };
  return (await model.generate(prompt, all).result()).ids;
}

/** What a model says that has done nothing before, one step at a time. */
async function plainIds(
  prompt: readonly number[],
  options: GenerateOptions,
  load: LoadModelOptions = {},
): Promise<number[]> {
  await using model = await loadModel(MODEL, load);
  return await idsOf(model, prompt, { ...options, steps: 1, reuse: false });
}

for (const kv of ["f16", "f32", "q8_0"] as const) {
  for (const [choice, options] of CHOICES) {
    Deno.test(`tokens chosen ${choice} are the same in every way (KV cache of ${kv})`, async (t) => {
      const expected = await plainIds(PROMPT, options, { kv });
      for (const batchSize of [256, 7, 1]) {
        await using model = await loadModel(MODEL, { kv, batchSize });
        // How the prompt was cut does not depend on what follows it.
        const ways = batchSize === 256 ? WAYS : WAYS.slice(2, 3);
        for (const [way, how] of ways) {
          await t.step(`${way}, in batches of ${batchSize}`, async () => {
            const actual = await idsOf(model, PROMPT, { ...options, ...how });
            assertEquals(actual, expected);
          });
        }
      }
    });
  }
}

Deno.test("a prompt that begins like one before runs only from there on", async () => {
  await using model = await loadModel(MODEL, { batchSize: 16 });
  const options = { temperature: 1, seed: 2 };
  const cases: [prompt: number[], reused: number][] = [
    [PROMPT, 0],
    [PROMPT, 39], // its last token gives the logits
    [[...PROMPT, ...madeIds(9)], 40],
    [PROMPT.slice(0, 20), 19],
    [[...PROMPT.slice(0, 12), 7, 7, 7], 12],
    [[9, ...PROMPT], 0],
  ];
  for (const [prompt, reused] of cases) {
    const all = { ...options, maxTokens: 20, ignoreEos: true };
    const { ids, usage } = await model.generate(prompt, all).result();
    assertEquals(usage.reusedTokens, reused);
    assertEquals(usage.promptTokens, prompt.length);
    const expected = await plainIds(prompt, { ...options, maxTokens: 20 });
    assertEquals(ids, expected);
  }
});

Deno.test("an answer that comes back in a prompt runs as the prompt that it is", async () => {
  await using model = await loadModel(MODEL);
  const options = { temperature: 1, seed: 2, maxTokens: 20, ignoreEos: true };
  const first = await model.generate(PROMPT, options).result();
  const next = [...PROMPT, ...first.ids, 5, 6];
  const { ids, usage } = await model.generate(next, options).result();
  assertEquals(usage.reusedTokens, 40);
  assertEquals(ids, await plainIds(next, options));
});

Deno.test("as many KV caches are kept as are asked for", async () => {
  await using model = await loadModel(MODEL, { keptCaches: 2 });
  const reused = async (prompt: number[]) => {
    const { usage } = await model.generate(prompt, { maxTokens: 1 }).result();
    return usage.reusedTokens;
  };
  // All begin with BOS, which is not enough to take another one's cache.
  const prompts = [10, 20, 30].map((id) => [1, id, ...PROMPT]);
  const seen: number[] = [];
  for (const i of [0, 1, 0, 1, 2, 1, 0]) seen.push(await reused(prompts[i]!));
  assertEquals(seen, [0, 0, 41, 41, 1, 41, 1]);
});

Deno.test("a score takes no more memory, and what was kept where it must", async () => {
  await using model = await loadModel(MODEL, { keptCaches: 2 });
  const options = { maxTokens: 1 };
  await model.score(PROMPT); // logits were read back
  const bytes = model.gpuBytes;
  await model.generate(PROMPT, options).result();
  await model.score(madeIds(9));
  assertEquals(model.gpuBytes, bytes);
});

Deno.test("guesses are counted, and none is made where none is asked for", async () => {
  await using model = await loadModel(MODEL);
  const prompt = Array.from({ length: 60 }, (_, i) => 5 + i % 6);
  const options = { maxTokens: 50, ignoreEos: true };
  const plain = await model.generate(prompt, options).result();
  assert(!("speculation" in plain));
  const { speculation, ids } = await model.generate(prompt, {
    ...options,
    speculation: "lookup",
  }).result();
  assertEquals(ids, plain.ids);
  const { passes, guessed, accepted } = speculation!;
  assertGreater(passes, 0);
  assertGreater(guessed, 0);
  assertLess(passes + accepted, 51);
  assert(accepted <= guessed);
});

Deno.test("a draft model guesses, and its tokens are checked", async () => {
  const expected = await plainIds(PROMPT, {});
  // The model itself, which guesses everything right, and another one.
  for (const [draft, isRight] of [[MODEL, true], [OTHER, false]] as const) {
    await using model = await loadModel(MODEL, { draft });
    for (let round = 0; round < 2; round++) {
      const options = { maxTokens: 50, ignoreEos: true };
      const result = await model.generate(PROMPT, options).result();
      assertEquals(result.ids, expected);
      const { passes, guessed, accepted } = result.speculation!;
      assertGreater(passes, 0);
      if (isRight) assertEquals(accepted, guessed);
      else assertLess(accepted, guessed);
    }
    const options = { temperature: 1, seed: 3 };
    assertEquals(
      await idsOf(model, PROMPT, options),
      await plainIds(PROMPT, options),
    );
    const off = await model.generate(PROMPT, { speculation: "off" }).result();
    assert(!("speculation" in off));
  }
});

const OTHER = makeModel({ seed: 5, contextLength: 256 });

Deno.test("loadModel() refuses a draft of another vocabulary", async () => {
  await assertRejects(
    () => loadModel(MODEL, { draft: STORIES }),
    Error,
    "Cannot take ",
  );
});

Deno.test("generate() refuses a draft where there is none", async () => {
  await using model = await loadModel(MODEL);
  const options = { speculation: "draft" } as const;
  await assertRejects(
    async () => await model.generate(PROMPT, options).result(),
    TypeError,
    "loaded with a draft",
  );
});

Deno.test("generate() goes to the very end of the context in every way", async () => {
  for (const [way, how] of WAYS) {
    await using model = await loadModel(MODEL, { contextLength: 64 });
    const ids = await idsOf(model, PROMPT, { ...how, maxTokens: 1000 });
    assertEquals(ids.length, 25, way); // the last takes no room
    const one = await idsOf(model, madeIds(64), { ...how, maxTokens: 1000 });
    assertEquals(one.length, 1, way);
  }
});

for (const golden of ["nano-gqa-Q8_0", "nano-hd128-Q4_0"]) {
  Deno.test(`${golden} says what llama.cpp does in every way`, async (t) => {
    const file = projectFile(`tests/fixtures/models/${golden}.gguf`);
    await using model = await loadModel(file, { kv: "f32" });
    for (const { prompt, ids, greedy } of await readGoldens(golden)) {
      for (const [way, how] of WAYS) {
        await t.step(`${way}, prompt ${prompt}`, async () => {
          const actual = await idsOf(model, ids, { ...how, maxTokens: 64 });
          assertEquals(actual, greedy.ids);
        });
      }
    }
  });
}
