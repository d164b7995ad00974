import {
  assert,
  assertEquals,
  assertFalse,
  assertGreater,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { loadModel, type LoadProgress, type Model } from "../mod.ts";
import { watchDevices } from "./devices.ts";
import { continueIds, projectFile } from "./engine.ts";
import { madeIds, makeModel } from "./models.ts";

const STORIES = projectFile("models/stories260k-f32.gguf");
const MODEL = makeModel({ contextLength: 512 });
const LONG = madeIds(400);

/** A model that holds the one idle sequence that it keeps. */
async function warmModel(options = {}): Promise<Model> {
  const model = await loadModel(MODEL, options);
  await continueIds(model, [1], { maxTokens: 1 });
  return model;
}

Deno.test("an aborted signal stops a generation before it starts", async () => {
  await using model = await loadModel(MODEL);
  const bytes = model.gpuBytes;
  const reason = new Error("changed my mind");
  const signal = AbortSignal.abort(reason);
  const generation = model.generate([1], { signal });
  const thrown = await assertRejects(() => Array.fromAsync(generation));
  assertStrictEquals(thrown, reason);
  assertStrictEquals(await assertRejects(() => generation.result()), reason);
  assertEquals(model.gpuBytes, bytes);

  const chat = model.chat([{ role: "user", content: "x" }], { signal });
  assertStrictEquals(await assertRejects(() => chat.result()), reason);
});

Deno.test("a signal stops a prompt between its batches", async () => {
  await using model = await warmModel({ batchSize: 4 });
  const bytes = model.gpuBytes;
  const controller = new AbortController();
  const reason = new Error("too long");
  const generation = model.generate(LONG, { signal: controller.signal });
  setTimeout(() => controller.abort(reason), 1);
  assertStrictEquals(await assertRejects(() => generation.result()), reason);
  assertEquals(model.gpuBytes, bytes);
});

Deno.test("a signal stops a generation between two tokens", async () => {
  await using model = await warmModel();
  const bytes = model.gpuBytes;
  const controller = new AbortController();
  const reason = { any: "reason" };
  const generation = model.generate([1, 5], {
    signal: controller.signal,
    ignoreEos: true,
  });
  const seen: number[] = [];
  let thrown: unknown;
  try {
    for await (const { id } of generation) {
      seen.push(id);
      if (seen.length === 3) controller.abort(reason);
    }
  } catch (error) {
    thrown = error;
  }
  assertStrictEquals(thrown, reason);
  assertEquals(seen.length, 3);
  assertEquals(model.gpuBytes, bytes);
  // What reading throws, the result throws, now and later.
  for (let i = 0; i < 2; i++) {
    const again = await generation.result().catch((error) => error);
    assertStrictEquals(again, reason);
  }
});

Deno.test("a signal that aborts by a timer is heard while tokens are made", async () => {
  await using model = await warmModel();
  const signal = AbortSignal.timeout(30);
  await assertRejects(async () => {
    while (true) {
      await model.generate([1], { signal, ignoreEos: true }).result();
    }
  }, DOMException);
});

Deno.test("leaving the loop ends a generation and frees what it took", async () => {
  await using model = await warmModel();
  const bytes = model.gpuBytes;
  const generation = model.generate(LONG, { ignoreEos: true });
  const seen: number[] = [];
  let text = "";
  for await (const piece of generation) {
    seen.push(piece.id);
    text += piece.text;
    if (seen.length === 4) break;
  }
  const result = await generation.result();
  assertEquals(result.finishReason, "abort");
  assertEquals(result.ids, seen);
  assertEquals(result.text, text);
  assertEquals(result.usage, {
    promptTokens: 400,
    reusedTokens: 1,
    completionTokens: 4,
  });
  assertEquals(model.gpuBytes, bytes);
});

Deno.test("generations that run at once give their memory back", async () => {
  await using model = await warmModel();
  const bytes = model.gpuBytes;
  const one = model.generate([1, 5], { maxTokens: 5 })[Symbol.asyncIterator]();
  const other = model.generate([1, 6], { maxTokens: 5 });
  await one.next();
  for await (const _ of other) assertGreater(model.gpuBytes, bytes);
  await one.return!();
  assertEquals(model.gpuBytes, bytes);
});

Deno.test("a generation that nobody reads does nothing", async () => {
  await using model = await loadModel(MODEL);
  const bytes = model.gpuBytes;
  model.generate(LONG);
  model.chat([]); // not even its error counts
  await new Promise((resolve) => setTimeout(resolve, 20));
  assertEquals(model.gpuBytes, bytes);
});

Deno.test("a generation is read once, its result as often as one likes", async () => {
  await using model = await loadModel(MODEL);
  const generation = model.generate([1, 5], { maxTokens: 3 });
  await Array.fromAsync(generation);
  assertThrows(
    () => generation[Symbol.asyncIterator](),
    TypeError,
    "Cannot iterate generation",
  );
  const result = await generation.result();
  assertStrictEquals(await generation.result(), result);

  const other = model.generate([1, 5], { maxTokens: 3 });
  const [first, second] = await Promise.all([other.result(), other.result()]);
  assertStrictEquals(first, second);
  assertEquals(first!.ids, result.ids);
  assertThrows(() => other[Symbol.asyncIterator](), TypeError);
});

Deno.test("timers and promises run while tokens are made", async () => {
  await using model = await loadModel(STORIES);
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  try {
    const options = { maxTokens: 160, ignoreEos: true, steps: 8 };
    await model.generate("Once", options).result();
  } finally {
    clearInterval(timer);
  }
  assertGreater(ticks, 10); // of 20 chunks
});

Deno.test("timers run between the batches of a prompt", async () => {
  await using model = await loadModel(MODEL, { batchSize: 8 });
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  try {
    await model.generate(LONG, { maxTokens: 0 }).result();
    await model.score(LONG);
  } finally {
    clearInterval(timer);
  }
  assertGreater(ticks, 10);
});

Deno.test("a model that is disposed of holds nothing and says so", async () => {
  let model: Model;
  {
    await using inner = await warmModel();
    assertGreater(inner.gpuBytes, 0);
    model = inner;
  }
  assertEquals(model.gpuBytes, 0);
  const message = "Cannot use model: it is disposed of";
  assertThrows(() => model.generate([1]), TypeError, message);
  assertThrows(() => model.chat([]), TypeError, message);
  await assertRejects(() => model.score([1]), TypeError, message);
  await model[Symbol.asyncDispose](); // twice is once
});

Deno.test("a generation fails when its model is disposed of, also while it waits", async () => {
  const message = "Cannot use model: it is disposed of";
  const model = await loadModel(MODEL, { batchSize: 4 });
  const reader = model.generate([1])[Symbol.asyncIterator]();
  await reader.next();
  const waiting = [
    model.generate(LONG).result(), // within its prompt
    model.generate([1]).result(), // allocating its cache
    model.score(LONG),
    reader.next(),
  ];
  const failures = Promise.all(
    waiting.map((one) => assertRejects(() => one, TypeError, message)),
  );
  await model[Symbol.asyncDispose]();
  await failures;
  assertEquals(model.gpuBytes, 0);
});

Deno.test("loadModel() tells how far it is, and ends with all of it", async () => {
  const seen: LoadProgress[] = [];
  await using _ = await loadModel(MODEL, {
    onProgress: (progress) => seen.push(progress),
  });
  const last = seen.at(-1)!;
  assertEquals(last.loadedBytes, last.totalBytes);
  assertEquals([last.loadedTensors, last.totalTensors], [21, 21]);
  for (const [i, { loadedBytes }] of seen.slice(1).entries()) {
    assertGreater(loadedBytes, seen[i]!.loadedBytes);
  }
});

Deno.test("loadModel() frees its device when a signal or a callback stops it", async () => {
  const reason = new Error("enough");
  const failing = [
    () => {
      const controller = new AbortController();
      return loadModel(MODEL, {
        signal: controller.signal,
        onProgress: () => controller.abort(reason),
      });
    },
    () =>
      loadModel(MODEL, {
        onProgress: () => {
          throw reason;
        },
      }),
  ];
  for (const load of failing) {
    const devices = await watchDevices(async () => {
      assertStrictEquals(await assertRejects(load), reason);
    });
    assertEquals(devices, [true]);
  }
  const early = await watchDevices(() =>
    assertRejects(() => loadModel(MODEL, { signal: AbortSignal.abort(reason) }))
  );
  assertEquals(early, []);
});

Deno.test("loadModel() keeps its device until the model is disposed of", async () => {
  let model: Model;
  const devices = await watchDevices(async () => {
    model = await loadModel(MODEL);
  });
  assertEquals(devices, [false]);
  await model![Symbol.asyncDispose]();
  assertEquals(devices, [true]);
});

Deno.test("loadModel() takes a path, a URL, bytes and a Blob", async () => {
  const path = Deno.cwd() + "/models/stories260k-f32.gguf";
  const bytes = await Deno.readFile(STORIES);
  const expected = await (async () => {
    await using model = await loadModel(STORIES);
    return await continueIds(model, "Once");
  })();
  for (const input of [path, STORIES.href, bytes, new Blob([bytes])]) {
    await using model = await loadModel(input);
    assertEquals(await continueIds(model, "Once"), expected);
    assert(model.device.length > 0);
    assertFalse(model.contextLength < 512);
  }
});
