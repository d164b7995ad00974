import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { type ChatMessage, type GenerateOptions, loadModel } from "../mod.ts";
import { continueIds, projectFile } from "./engine.ts";
import { madeIds, makeModel } from "./models.ts";
import { scriptModel } from "./script_model.ts";
import { factsOf, outcome } from "./workers.ts";

const MODEL = makeModel({ dim: 64, format: "Q8_0", contextLength: 512 });
const SHORT = [1, 60, 90];
const LONG = madeIds(400);
const worker = true;

Deno.test("a model in a worker gives what it gives in this thread", async () => {
  const load = { batchSize: 64 };
  await using here = await loadModel(MODEL, load);
  await using there = await loadModel(MODEL, { ...load, worker });
  assertEquals(factsOf(there), factsOf(here));
  assertGreater(there.loadMs, 0);

  const all: GenerateOptions[] = [
    {},
    { maxTokens: 0 },
    { maxTokens: 1 },
    { temperature: 1, seed: 7 },
    { temperature: 1.3, topK: 40, topP: 0.9, minP: 0.01, seed: 8 },
    { repeatPenalty: 1.3, frequencyPenalty: 0.2, presencePenalty: 0.1 },
    { logprobs: true },
    { topLogprobs: 3, tokenLogprobs: [7, "\n", "<|good|>"], echo: true },
    { echo: true, speculation: "lookup" },
    { sampler: "cpu", temperature: 1, seed: 9 },
    { steps: 1 },
    { steps: 5 },
    { speculation: "lookup", steps: 1 },
    { reuse: false },
    { ignoreEos: false },
    { stop: ["e"] },
  ];
  for (const options of all) {
    for (const prompt of [SHORT, LONG]) {
      const given = { maxTokens: 20, ignoreEos: true, ...options };
      const expected = await outcome(here.generate(prompt, given));
      const actual = await outcome(there.generate(prompt, given));
      assertEquals(actual, expected, JSON.stringify(options));
    }
  }
  const text = "the thing on a";
  assertEquals(
    await outcome(there.generate(text, { maxTokens: 9 })),
    await outcome(here.generate(text, { maxTokens: 9 })),
  );
  for (const top of [0, 3]) {
    const score = await here.score(LONG, { top });
    assertEquals(await there.score(LONG, { top }), score);
  }
  assertEquals(there.gpuBytes, here.gpuBytes);
});

Deno.test("a model in a worker chats as it does in this thread", async () => {
  const file = scriptModel(["Hi", " the", "re. S", "TO", "P it", " "]);
  await using here = await loadModel(file);
  await using there = await loadModel(file, { worker });
  const messages: ChatMessage[] = [{ role: "user", content: "x" }];
  for (const stop of [[], ["STOP"]]) {
    const options = { control: "good", stop } as const;
    const expected = await outcome(here.chat(messages, options));
    assertEquals(await outcome(there.chat(messages, options)), expected);
    assertEquals(
      expected.text,
      stop.length ? "Hi there." : "Hi there. STOP it",
    );
  }
});

Deno.test("generations and scores that run at once in workers do not see each other", async () => {
  await using model = await loadModel(MODEL, { worker, batchSize: 32 });
  await using other = await loadModel(makeModel({ seed: 3 }), { worker });
  const [short, long, otherIds] = [
    await continueIds(model, SHORT),
    await continueIds(model, LONG),
    await continueIds(other, SHORT),
  ];
  const bytes = model.gpuBytes;
  const alone = await model.score(LONG, { top: 2 });
  const results = await Promise.all([
    continueIds(model, SHORT),
    continueIds(other, SHORT),
    continueIds(model, LONG),
    model.score(LONG, { top: 2 }),
    ...Array.from({ length: 12 }, () => continueIds(model, SHORT)),
    continueIds(model, LONG),
  ]);
  assertEquals(results, [
    short,
    otherIds,
    long,
    alone,
    ...Array.from({ length: 12 }, () => short),
    long,
  ]);
  assertEquals(model.gpuBytes, bytes);
});

Deno.test("generations that run at once in a worker take turns", async () => {
  await using model = await loadModel(MODEL, { worker });
  const options = { maxTokens: 60, ignoreEos: true, steps: 4 };
  const order: number[] = [];
  await Promise.all([0, 1, 2].map(async (reader) => {
    for await (const _ of model.generate(SHORT, options)) order.push(reader);
  }));
  // When one of them is done, none is far behind.
  const first = Math.min(...[0, 1, 2].map((one) => order.lastIndexOf(one)));
  for (const reader of [0, 1, 2]) {
    const seen = order.slice(0, first).filter((one) => one === reader);
    assertGreater(seen.length, 30);
  }
});

/** Milliseconds that a timer of 1 ms was late, while something ran. */
async function lateness(fn: () => Promise<unknown>): Promise<number[]> {
  const late: number[] = [];
  let isDone = false;
  const clock = (async () => {
    while (!isDone) {
      const start = performance.now();
      await new Promise((resolve) => setTimeout(resolve, 1));
      late.push(performance.now() - start - 1);
    }
  })();
  await fn();
  isDone = true;
  await clock;
  return late.sort((a, b) => a - b);
}

Deno.test("timers are on time while a worker computes", async () => {
  await using model = await loadModel(
    projectFile(
      "models/tiny-archangel-q8_0.gguf",
    ),
    { worker, batchSize: 64 },
  );
  const prompt = Array.from({ length: 200 }, (_, i) => 300 + i);
  const runs = [
    () => model.generate(prompt, { maxTokens: 0 }).result(),
    () => continueIds(model, "Once", { maxTokens: 30 }),
    () => continueIds(model, "Once", { maxTokens: 30, steps: 16 }),
  ];
  for (const run of runs) {
    const late = await lateness(run);
    // Both cores are busy with the GPU, where that is a software one.
    assertLess(late[late.length >> 1]!, 5);
  }
});
