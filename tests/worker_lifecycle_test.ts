import {
  assertEquals,
  assertGreater,
  assertLess,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  type Generation,
  loadModel,
  type LoadModelOptions,
  type Model,
  type PromptProgress,
} from "../mod.ts";
import { continueIds } from "./engine.ts";
import { madeIds, makeModel } from "./models.ts";
import { abortedAt, watchWorkers } from "./workers.ts";

const MODEL = makeModel({ dim: 64, format: "Q8_0", contextLength: 512 });
const SHORT = [1, 60, 90];
const LONG = madeIds(400);
const worker = true;

/** Repeats something, which may be done before it is to fail. */
async function untilItFails(fn: () => Promise<unknown>): Promise<never> {
  while (true) await fn();
}

Deno.test("a generation in a worker can be aborted at any moment", async () => {
  await using model = await loadModel(MODEL, { worker, batchSize: 4 });
  const expected = await continueIds(model, SHORT);
  const bytes = model.gpuBytes;
  const reason = new Error("changed my mind");
  const failed = async (generate: () => Generation) => {
    const read = () => generate().result();
    const thrown = await untilItFails(read).catch((error) => error);
    assertStrictEquals(thrown, reason);
    assertEquals(model.gpuBytes, bytes);
    const { ids, usage } = await model.generate(SHORT, {
      maxTokens: 12,
      ignoreEos: true,
    }).result();
    assertEquals(ids, expected);
    assertLess(usage.reusedTokens, SHORT.length);
  };
  const aborted = AbortSignal.abort(reason);
  await failed(() => model.generate(SHORT, { signal: aborted }));

  // Within the prompt, of which the rest does not run.
  for (const batches of [1, 3]) {
    const controller = new AbortController();
    let left = batches;
    const onPrompt = () => {
      if (--left === 0) controller.abort(reason);
    };
    const { signal } = controller;
    const generate = () => model.generate(LONG, { signal, onPrompt });
    assertStrictEquals(
      await generate().result().catch((error) => error),
      reason,
    );
    assertEquals(left, 0);
    const { usage } = await model.generate(LONG, { maxTokens: 0 }).result();
    assertLess(usage.reusedTokens, LONG.length - 1);
    await failed(generate);
  }
  // Between two tokens.
  for (const tokens of [1, 2, 3, 20]) {
    const controller = new AbortController();
    const { signal } = controller;
    const generation = model.generate(SHORT, { signal, ignoreEos: true });
    let seen = 0;
    const read = async () => {
      for await (const _ of generation) {
        if (++seen === tokens) controller.abort(reason);
      }
    };
    assertStrictEquals(await read().catch((error) => error), reason);
    assertEquals(seen, tokens);
    await failed(() => generation);
  }
  // At any other time.
  for (const ms of [0, 1, 2, 5, 10, 20, 40]) {
    const signal = abortedAt(ms, reason);
    await failed(() => model.generate(LONG, { signal, ignoreEos: true }));
  }
  const signal = AbortSignal.timeout(5);
  const error = await assertRejects(
    () => untilItFails(() => model.generate(LONG, { signal }).result()),
    DOMException,
  );
  assertEquals(error.name, "TimeoutError");
});

Deno.test("a score in a worker can be aborted", async () => {
  await using model = await loadModel(MODEL, { worker, batchSize: 4 });
  const { loglikelihood } = await model.score(LONG);
  const reason = { any: "reason" };
  for (const ms of [0, 5]) {
    const signal = abortedAt(ms, reason);
    const score = untilItFails(() => model.score(LONG, { signal }));
    assertStrictEquals(await score.catch((error) => error), reason);
    assertEquals((await model.score(LONG)).loglikelihood, loglikelihood);
  }
});

Deno.test("leaving the loop gives back what the worker took", async () => {
  await using model = await loadModel(MODEL, { worker });
  const expected = await continueIds(model, SHORT);
  const bytes = model.gpuBytes;
  for (const tokens of [1, 2, 9]) {
    const generation = model.generate(LONG, { ignoreEos: true });
    const seen: number[] = [];
    for await (const { id } of generation) {
      if (seen.push(id) === tokens) break;
    }
    assertEquals(model.gpuBytes, bytes);
    const { ids, finishReason, usage } = await generation.result();
    assertEquals([ids, finishReason], [seen, "abort"]);
    assertEquals(usage.reusedTokens, 1); // the steps have left nothing
    assertEquals(await continueIds(model, SHORT), expected);
  }
});

Deno.test("generations that run at once in a worker give their memory back", async () => {
  await using model = await loadModel(MODEL, { worker });
  const bytes = model.gpuBytes;
  const options = { maxTokens: 50, ignoreEos: true };
  for (let i = 0; i < 5; i++) {
    const one = model.generate([1, 5], options)[Symbol.asyncIterator]();
    await one.next();
    const other = model.generate([1, 6], options)[Symbol.asyncIterator]();
    await other.next();
    assertGreater(model.gpuBytes, bytes);
    await Promise.all([one.return!(), other.return!()]);
    assertEquals(model.gpuBytes, bytes);
  }
});

Deno.test("onPrompt is called in this thread, and what it throws is thrown", async () => {
  const prompt = async (options: LoadModelOptions) => {
    await using model = await loadModel(MODEL, { batchSize: 100, ...options });
    const seen: PromptProgress[] = [];
    const onPrompt = (progress: PromptProgress) => seen.push(progress);
    await model.generate(LONG, { maxTokens: 1, onPrompt }).result();
    return seen;
  };
  assertEquals(await prompt({ worker }), await prompt({}));

  await using model = await loadModel(MODEL, { worker, batchSize: 100 });
  const expected = await continueIds(model, SHORT);
  const bytes = model.gpuBytes;
  const reason = { any: "reason" };
  const onPrompt = () => {
    throw reason;
  };
  const result = model.generate(LONG, { onPrompt }).result();
  assertStrictEquals(await result.catch((error) => error), reason);
  assertEquals(model.gpuBytes, bytes);
  assertEquals(await continueIds(model, SHORT), expected);
});

Deno.test("a model in a worker holds nothing when it is disposed of, and says so", async () => {
  const message = "Cannot use model: it is disposed of";
  let model: Model;
  const workers = await watchWorkers(async () => {
    model = await loadModel(MODEL, { worker, batchSize: 4 });
  });
  const reader = model!.generate([1])[Symbol.asyncIterator]();
  await reader.next();
  const unread = model!.generate(SHORT);
  const waiting = [
    model!.generate(LONG).result(), // within its prompt
    model!.generate([1]).result(), // allocating its cache
    model!.score(LONG),
    (async () => {
      while (true) await reader.next();
    })(),
  ];
  const failures = Promise.all(
    waiting.map((one) => assertRejects(() => one, TypeError, message)),
  );
  assertEquals(workers, [false]);
  const disposed = model![Symbol.asyncDispose]();
  await failures;
  await disposed;
  assertEquals(workers, [true]);
  assertEquals(model!.gpuBytes, 0);
  await assertRejects(() => unread.result(), TypeError, message);
  assertThrows(() => model!.generate([1]), TypeError, message);
  await assertRejects(() => model!.score([1]), TypeError, message);
  await model![Symbol.asyncDispose](); // twice is once
});

/** Runs a program that has `load()`, which loads a model in a worker. */
async function runProgram(
  code: string,
  { permissions = ["-A"], env = {} }: {
    permissions?: string[];
    env?: Record<string, string>;
  } = {},
) {
  const program = `
    import { loadModel } from "@seraph/seraph";
    const load = (options) =>
      loadModel("models/stories260k-f32.gguf", { worker: true, ...options });
    ${code}`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", ...permissions, "--ext=js", "-"],
    env: { XDG_RUNTIME_DIR: "/tmp", NO_COLOR: "1", ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  await ReadableStream.from([new TextEncoder().encode(program)])
    .pipeTo(child.stdin);
  const { code: status, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { status, stdout: text(stdout), stderr: text(stderr) };
}

Deno.test("a program ends by itself when it has disposed of its model", async () => {
  const { status, stdout, stderr } = await runProgram(`
    const model = await load();
    const failed = model.generate("Once", { ignoreEos: true }).result()
      .catch((error) => error);
    await model.generate("Once", { maxTokens: 3 }).result();
    await model[Symbol.asyncDispose]();
    console.log((await failed).message);
    await load({ contextLength: 0 }).catch((error) => console.log(error.name));
  `);
  const expected = "Cannot use model: it is disposed of\nRangeError\n";
  assertEquals([status, stdout], [0, expected], stderr);
});

Deno.test("a program ends when its workers' threads are gone", async () => {
  for (const isDisposed of [true, false]) {
    const { status, stdout, stderr } = await runProgram(`
      const model = await load();
      if (${isDisposed}) await model[Symbol.asyncDispose]();
      const start = performance.now();
      addEventListener("unload", () => console.log(performance.now() - start));
      if (${!isDisposed}) Deno.exit(3);
    `);
    assertEquals(status, isDisposed ? 0 : 3, stderr);
    assertGreater(Number(stdout), 150);
  }
});

Deno.test("calls fail when their worker dies, and the program goes on", async () => {
  const { status, stdout, stderr } = await runProgram(`
    let inner;
    globalThis.Worker = class extends Worker {
      constructor(...args) {
        super(...args);
        inner = this;
      }
    };
    const model = await load();
    const results = [
      model.generate("Once", { ignoreEos: true }).result(),
      model.generate("Two", { ignoreEos: true }).result(),
    ];
    inner.postMessage(null); // which it does not expect
    for (const { reason } of await Promise.allSettled(results)) {
      console.log(reason?.message);
    }
    console.log(model.gpuBytes);
    await model.score([1]).catch(({ message }) => console.log(message));
    await model[Symbol.asyncDispose]();
    console.log("end");
  `);
  assertEquals(status, 0, stderr);
  const lines = stdout.trimEnd().split("\n");
  const [first, second, bytes, later, last] = lines;
  assertStringIncludes(first!, "Cannot run the model: its worker ended: ");
  assertEquals([second, bytes, later, last], [first, "0", first, "end"]);
});

Deno.test("loadModel() in a worker wants to read its own modules", async () => {
  const code =
    "await using model = await load(); console.log(model.loadMs > 0)";
  const without = await runProgram(code, {
    permissions: ["--allow-read=models"],
  });
  assertEquals(without.status, 1);
  assertStringIncludes(without.stderr, "Cannot load model in a worker: no ");
  assertStringIncludes(without.stderr, "run Deno with --allow-read");
  const { status, stdout, stderr } = await runProgram(code, {
    permissions: ["--allow-read=models,src"],
  });
  assertEquals([status, stdout], [0, "true\n"], stderr);
});

Deno.test("loadModel() finds no adapter in a worker where there is none", async () => {
  const { status, stdout } = await runProgram(
    `for (const worker of [false, true]) {
      await load({ worker }).catch(({ message }) => console.log(message));
    }`,
    {
      env: {
        DENO_WEBGPU_BACKEND: "vulkan",
        VK_DRIVER_FILES: "/nonexistent",
        VK_ICD_FILENAMES: "/nonexistent",
      },
    },
  );
  assertEquals(status, 0);
  const [here, there] = stdout.trimEnd().split("\n");
  assertStringIncludes(here!, "Cannot find a WebGPU adapter: ");
  assertEquals(there, here);
});
