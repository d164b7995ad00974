import {
  assert,
  assertEquals,
  assertFalse,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  type GenerateOptions,
  type GenerationEvent,
  loadModel,
  type Model,
  type Piece,
} from "../mod.ts";
import { continueIds, projectFile } from "./engine.ts";
import { madeIds, makeModel } from "./models.ts";

const STORIES = projectFile("models/stories260k-f32.gguf");
const MODEL = makeModel({ contextLength: 512 });
const LONG = madeIds(400);
const PROMPT = [1, 5];

/** Runs a test in this thread and in a worker. */
function everywhere(
  name: string,
  test: (model: Model) => Promise<void>,
  options: { input?: URL; batchSize?: number } = {},
): void {
  const { input = MODEL, ...load } = options;
  for (const worker of [false, true]) {
    Deno.test(`${name}${worker ? " (in a worker)" : ""}`, async () => {
      await using model = await loadModel(input, { ...load, worker });
      await test(model);
      // Whatever happened, the model is free again.
      assertEquals((await continueIds(model, PROMPT)).length, 12);
    });
  }
}

/** A generation of 40 tokens, and how many of its pieces there were. */
function start(model: Model, options: GenerateOptions = {}) {
  const events: GenerationEvent[] = [];
  const generation = model.generate(PROMPT, {
    maxTokens: 40,
    ignoreEos: true,
    onEvent: (event) => events.push(event),
    ...options,
  });
  const made = () => events.filter(({ type }) => type === "piece").length;
  return { generation, events, made };
}

everywhere(
  "toReadableStream() gives the pieces of a generation",
  async (model) => {
    const options = { maxTokens: 40, ignoreEos: true };
    const pieces: Piece[] = await Array.fromAsync(
      model.generate(PROMPT, options),
    );
    const { generation } = start(model);
    assertEquals(await Array.fromAsync(generation.toReadableStream()), pieces);
    assertEquals(
      (await generation.result()).ids,
      pieces.map(({ id }) => id),
    );
  },
);

Deno.test("toTextStream() gives the text of a generation, as bytes too", async () => {
  await using model = await loadModel(STORIES);
  const options = { maxTokens: 40 };
  const { text } = await model.generate("One day", options).result();
  const texts = await Array.fromAsync(
    model.generate("One day", options).toTextStream(),
  );
  assertEquals(texts.join(""), text);
  assertFalse(texts.includes(""));
  const body = model.generate("One day", options).toTextStream()
    .pipeThrough(new TextEncoderStream());
  assertEquals(await new Response(body).text(), text);
});

everywhere("a stream generates as it is read", async (model) => {
  const { generation, made } = start(model);
  const stream = generation.toReadableStream();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assertEquals(made(), 0);
  const reader = stream.getReader();
  for (const count of [1, 2, 3]) {
    await reader.read();
    await new Promise((resolve) => setTimeout(resolve, 5));
    assertEquals(made(), count);
  }
  await reader.cancel();
  await reader.closed;
  const { finishReason, ids } = await generation.result();
  assertEquals([finishReason, ids.length], ["abort", 3]);
});

everywhere(
  "a stream that is canceled before it is read generates nothing",
  async (model) => {
    const { generation, events } = start(model);
    await generation.toTextStream().cancel();
    const error = await assertRejects(() => generation.result(), DOMException);
    assertEquals(error.name, "AbortError");
    assertEquals(events, []);
  },
);

everywhere(
  "a stream that is canceled ends a prompt between its batches",
  async (model) => {
    const running = Promise.withResolvers<void>();
    let processed = 0;
    const generation = model.generate(LONG, {
      onPrompt(progress) {
        processed = progress.processed;
        running.resolve();
      },
    });
    const reader = generation.toReadableStream().getReader();
    const read = reader.read();
    await running.promise;
    await reader.cancel();
    assert((await read).done);
    const { ids, finishReason } = await generation.result();
    assertEquals([ids, finishReason], [[], "abort"]);
    assert(processed > 0 && processed < LONG.length);
  },
  { batchSize: 4 },
);

everywhere("await using ends a generation that is left", async (model) => {
  const { generation } = start(model);
  {
    await using left = generation;
    const pieces = left[Symbol.asyncIterator]();
    await pieces.next();
    await pieces.next();
  }
  const { ids, finishReason } = await generation.result();
  assertEquals([ids.length, finishReason], [2, "abort"]);
});

everywhere(
  "disposing of a generation ends it for who waits for a piece",
  async (model) => {
    let ended: Promise<void> | undefined;
    const events: GenerationEvent[] = [];
    const { generation } = start(model, {
      onEvent(event) {
        events.push(event);
        // A piece is told while its reader still waits for it.
        if (event.type === "piece") {
          ended ??= generation[Symbol.asyncDispose]();
        }
      },
    });
    const pieces = await Array.fromAsync(generation);
    await ended;
    const { ids, finishReason } = await generation.result();
    assertEquals(ids, pieces.map(({ id }) => id));
    assertEquals(ids.length, 1);
    assertEquals(finishReason, "abort");
    assertEquals(events.at(-1)!.type, "finish");
    await generation[Symbol.asyncDispose]();
  },
);

Deno.test("disposing of a generation that is over changes nothing", async () => {
  await using model = await loadModel(MODEL);
  const { generation, events } = start(model);
  const result = await generation.result();
  const { length } = events;
  await generation[Symbol.asyncDispose]();
  assertStrictEquals(await generation.result(), result);
  assertEquals(events.length, length);
  assertEquals(result.finishReason, "length");
});

Deno.test("a generation is read once, in whichever way", async () => {
  await using model = await loadModel(MODEL);
  const ways = {
    iterate: (generation: ReturnType<Model["generate"]>) =>
      generation[Symbol.asyncIterator](),
    stream: (generation: ReturnType<Model["generate"]>) =>
      generation.toReadableStream(),
  };
  for (const first of Object.values(ways)) {
    for (const [verb, second] of Object.entries(ways)) {
      const generation = model.generate(PROMPT, { maxTokens: 2 });
      first(generation);
      assertThrows(
        () => second(generation),
        TypeError,
        `Cannot ${verb} generation: it is read already, once is possible`,
      );
    }
  }
});

everywhere("a stream throws the reason of its signal", async (model) => {
  const controller = new AbortController();
  const reason = new Error("enough");
  const { generation, events } = start(model, { signal: controller.signal });
  const reader = generation.toTextStream().getReader();
  await reader.read();
  controller.abort(reason);
  const thrown = await assertRejects(async () => {
    while (!(await reader.read()).done);
  });
  assertStrictEquals(thrown, reason);
  assertStrictEquals(await assertRejects(() => generation.result()), reason);
  assertEquals(events.at(-1), { type: "error", error: reason });
});

everywhere("onEvent is told what happens in its order", async (model) => {
  const { generation, events } = start(model, { reuse: false });
  const pieces = await Array.fromAsync(generation);
  const result = await generation.result();
  const [prompt, first, ...others] = events;
  assertEquals(prompt, { type: "prompt", processed: 2, total: 2 });
  assert(first?.type === "first-token" && first.ms > 0);
  assertEquals(others, [
    ...pieces.map((piece) => ({ type: "piece" as const, piece })),
    { type: "finish", result },
  ]);
});

Deno.test("onEvent leaves the text and onPrompt as they are", async () => {
  await using model = await loadModel(MODEL, { batchSize: 4 });
  const run = async (onEvent?: (event: GenerationEvent) => void) => {
    const told: unknown[] = [];
    const options = {
      maxTokens: 8,
      reuse: false,
      onPrompt: (progress: unknown) => told.push(progress),
    };
    const ids = await continueIds(model, LONG.slice(0, 20), {
      ...options,
      onEvent,
    });
    return [ids, told];
  };
  assertEquals(await run(() => {}), await run());
});

everywhere("what a listener throws ends the generation", async (model) => {
  const types = ["prompt", "first-token", "piece", "finish"] as const;
  for (const type of types) {
    const error = new Error(type);
    const { generation } = start(model, {
      onEvent(event) {
        if (event.type === type) throw error;
      },
    });
    assertStrictEquals(
      await assertRejects(() => Array.fromAsync(generation)),
      error,
    );
  }
});

Deno.test("a server's generation ends where its client leaves", async () => {
  await using model = await loadModel(STORIES);
  const results: Promise<string>[] = [];
  const left = Promise.withResolvers<void>();
  await using server = Deno.serve({
    port: 0,
    hostname: "127.0.0.1",
    onListen() {},
  }, () => {
    const generation = model.generate("One day", { ignoreEos: true });
    // Holds the rest back until the client has left.
    const holding = new TransformStream<string, string>({
      async transform(text, out) {
        out.enqueue(text);
        await left.promise;
      },
    });
    const body = generation.toTextStream().pipeThrough(holding)
      .pipeThrough(new TextEncoderStream());
    results.push(generation.result().then(({ finishReason }) => finishReason));
    return new Response(body);
  });
  const controller = new AbortController();
  const response = await fetch(`http://127.0.0.1:${server.addr.port}`, {
    signal: controller.signal,
  });
  const reader = response.body!.getReader();
  assert((await reader.read()).value!.length > 0);
  controller.abort();
  await assertRejects(() => reader.read());
  // It takes the server a moment to see that.
  setTimeout(left.resolve, 50);
  assertEquals(await Promise.all(results), ["abort"]);
});
