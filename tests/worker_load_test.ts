import {
  assert,
  assertEquals,
  assertGreater,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import {
  loadModel,
  type LoadModelOptions,
  type LoadProgress,
  type Model,
  type ModelInput,
  ModelMemoryError,
} from "../mod.ts";
import { continueIds, projectFile } from "./engine.ts";
import { writeHugeModel } from "./huge_model.ts";
import { makeModel } from "./models.ts";
import { scriptModel } from "./script_model.ts";
import { abortedAt, factsOf, outcome, watchWorkers } from "./workers.ts";

const STORIES = "models/stories260k-f32.gguf";
const MODEL = makeModel({ dim: 64, format: "Q8_0", contextLength: 512 });
const SHORT = [1, 60, 90];
const worker = true;

Deno.test("a model in a worker takes a path, a URL, bytes and a Blob", async () => {
  const bytes = await Deno.readFile(STORIES);
  const padded = new Uint8Array(bytes.length + 100);
  padded.set(bytes, 50);
  const expected = await (async () => {
    await using model = await loadModel(bytes);
    return await continueIds(model, "Once");
  })();
  const inputs: ModelInput[] = [
    STORIES,
    projectFile(STORIES),
    projectFile(STORIES).href,
    padded.subarray(50, 50 + bytes.length),
    new Blob([bytes]),
  ];
  for (const input of inputs) {
    await using model = await loadModel(input, { worker });
    assertEquals(await continueIds(model, "Once"), expected);
  }
  assertEquals(padded.subarray(50, 50 + bytes.length), bytes); // not taken away
});

Deno.test("a model in a worker takes its draft along", async () => {
  const draft = makeModel({ seed: 2, contextLength: 512 });
  await using here = await loadModel(MODEL, { draft });
  await using there = await loadModel(MODEL, { draft, worker });
  assertEquals(factsOf(there), factsOf(here));
  const options = { maxTokens: 20, ignoreEos: true };
  const expected = await outcome(here.generate(SHORT, options));
  assertEquals(await outcome(there.generate(SHORT, options)), expected);
  assertGreater(expected.speculation!.passes, 0);
});

/** A message without what the system has free, and where lines break. */
function withoutFree(message: string): string {
  return message.replaceAll(/[\d.]+\s[KMGT]iB(?=\s(\(97|may|of\sthe))/g, "free")
    .replaceAll(/\s+/g, " ");
}

/** What was thrown, in what a program can see of it. */
async function thrownBy(fn: () => Promise<unknown>) {
  const error = await assertRejects(fn, Error);
  const cause = error.cause as Error | undefined;
  return {
    type: error.constructor,
    name: error.name,
    message: withoutFree(error.message),
    causeType: cause?.constructor,
    cause: cause?.message,
  };
}

const WRONG: [input: unknown, options?: Record<string, unknown>][] = [
  ["/no/such.gguf"],
  ["models"],
  [""],
  ["https://host/x.gguf"],
  [new URL("https://host/x.gguf")],
  [5],
  [undefined],
  [new Uint8Array()],
  [new Uint8Array(100)],
  [MODEL.slice(0, 3000)],
  [MODEL.slice(0, -1)],
  [new Blob([MODEL.slice(0, -1)])],
  [MODEL, { contextLength: 0 }],
  [MODEL, { contextLength: 513 }],
  [MODEL, { contextLength: "many" }],
  [MODEL, { batchSize: NaN }],
  [MODEL, { keptCaches: 0 }],
  [MODEL, { kv: "q4_0" }],
  [MODEL, { kv: () => {} }],
  [MODEL, { activations: "int4" }],
  [MODEL, { tune: "later" }],
  [MODEL, { draft: "/no/such.gguf" }],
  [MODEL, { draft: new URL("data:,x") }],
  [MODEL, { draft: () => {} }],
  [MODEL, { draft: scriptModel(["a"]) }],
  // What only the worker can find out.
  [MODEL, { powerPreference: "endless" }],
  [makeModel({ contextLength: 2 ** 31 - 1 }), { contextLength: 2 ** 31 - 1 }],
];

Deno.test("loadModel() fails in a worker as it does in this thread", async () => {
  for (const [input, options] of WRONG) {
    const load = (more: LoadModelOptions) =>
      loadModel(input as ModelInput, { ...options, ...more });
    const expected = await thrownBy(() => load({}));
    const workers = await watchWorkers(async () => {
      assertEquals(await thrownBy(() => load({ worker })), expected);
    });
    assertEquals(workers, [true], expected.message);
  }
});

Deno.test("loadModel() fails in a worker where the memory is too small", async () => {
  const file = await Deno.makeTempFile();
  try {
    const dim = 8192;
    const bytes = 2 * Deno.systemMemoryInfo().total;
    const hiddenDim = Math.ceil(bytes / (6 * 4 * dim));
    await writeHugeModel(file, { dim, hiddenDim });
    const onProgress = () => {
      throw new Error("It was loaded");
    };
    const expected = await thrownBy(() => loadModel(file, { onProgress }));
    const actual = await thrownBy(() =>
      loadModel(file, { onProgress, worker })
    );
    assertEquals(actual, expected);
    assertStrictEquals(actual.type, ModelMemoryError);
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("loadModel() tells how far the worker is", async () => {
  const load = async (options: LoadModelOptions) => {
    const seen: LoadProgress[] = [];
    const onProgress = (progress: LoadProgress) => seen.push(progress);
    await using _ = await loadModel(MODEL, { ...options, onProgress });
    return seen;
  };
  assertEquals(await load({ worker }), await load({}));
});

Deno.test("loadModel() ends its worker when a signal or a callback stops it", async () => {
  const reason = { any: "reason" };
  const loads: (() => Promise<Model>)[] = [
    () => loadModel(MODEL, { worker, signal: abortedAt(0, reason) }),
    () => loadModel(MODEL, { worker, signal: abortedAt(20, reason) }),
    () => loadModel(MODEL, { worker, signal: abortedAt(50, reason) }),
    () => {
      const controller = new AbortController();
      return loadModel(MODEL, {
        worker,
        signal: controller.signal,
        onProgress: () => controller.abort(reason),
      });
    },
    () =>
      loadModel(MODEL, {
        worker,
        onProgress: () => {
          throw reason;
        },
      }),
  ];
  for (const load of loads) {
    const workers = await watchWorkers(async () => {
      assertStrictEquals(await load().catch((error) => error), reason);
    });
    assert(workers.every((ended) => ended));
  }
  const workers = await watchWorkers(async () => {
    const signal = AbortSignal.abort(reason);
    const load = loadModel(MODEL, { worker, signal });
    assertStrictEquals(await load.catch((error) => error), reason);
  });
  assertEquals(workers, []);
});
