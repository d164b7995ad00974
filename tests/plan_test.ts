import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertLess,
  assertRejects,
} from "@std/assert";
import {
  formatPlan,
  GpuMemoryError,
  loadModel,
  type LoadModelOptions,
  ModelMemoryError,
  planModel,
} from "../mod.ts";
import { hasRoom } from "../src/engine/room.ts";
import { BufferPool } from "../src/gpu/buffers.ts";
import { runCli, runJson } from "./cli.ts";
import { countBuffers } from "./count_buffers.ts";
import { gpuTest } from "./gpu.ts";
import { HostileServer } from "./hostile_server.ts";
import { makeModel } from "./models.ts";
import { allocateShape } from "./plan_shapes.ts";
import { parseStrictly } from "./strict_json.ts";

const ARCHANGEL = "models/tiny-archangel-q8_0.gguf";
const SMALL = makeModel({ contextLength: 512 });

/** Asserts that a plan is off by little: the parameters of kernels are left out. */
function assertClose(planned: number, allocated: number): void {
  assertLess(
    Math.abs(planned / allocated - 1),
    2e-3,
    `${planned} ${allocated}`,
  );
}

const LOADS: [what: string, Uint8Array | string, LoadModelOptions?][] = [
  ["as it is", SMALL],
  ["with a KV cache of f32", SMALL, { kv: "f32", contextLength: 100 }],
  ["with a KV cache of q8_0", SMALL, { kv: "q8_0" }],
  ["in batches of 3", SMALL, { batchSize: 3 }],
  ["with int8 activations", ARCHANGEL, { activations: "int8" }],
  ["with a draft", SMALL, { draft: makeModel({ seed: 2, contextLength: 64 }) }],
  ["with a tied head", makeModel({ tied: true, format: "Q4_0" })],
  [
    "of several formats",
    makeModel({
      ...{ dim: 256, hiddenDim: 512, headDim: 64, heads: 4 },
      format: (name) => name.includes("attn") ? "IQ4_NL" : "Q8_0",
    }),
  ],
];

for (const [what, input, options = {}] of LOADS) {
  Deno.test(`loadModel() allocates what it has planned ${what}`, async () => {
    await countBuffers(async (count) => {
      const foretold = await planModel(input, options);
      assertEquals(count.liveBytes, 0); // without a device
      await using model = await loadModel(input, options);
      const plan = model.plan();
      assertClose(plan.totalBytes, count.liveBytes);
      assertEquals(plan.models, foretold.models);
      assertEquals(plan.fits, true);
      // Kernels are tested at load, in buffers that count in small models.
      const tests = 2 ** 20;
      assertLess(count.peakBytes, plan.peakBytes * 1.05 + tests);
      parseStrictly(JSON.stringify(plan));
    });
  });
}

Deno.test("Model.plan() is the same where the model runs in a worker", async () => {
  await using here = await loadModel(SMALL);
  await using there = await loadModel(SMALL, { worker: true });
  assertEquals(there.plan().models, here.plan().models);
});

for (
  const [shape, type, options] of [
    ["llama13b", "q4_k_m", { contextLength: 4096 }],
    ["llama13b", "f16", { contextLength: 512, kv: "q8_0" }],
    ["llama7b", "q8_0", { activations: "int8" }],
  ] as [string, string, LoadModelOptions][]
) {
  Deno.test(`planMemory() foretells what is allocated for ${shape} in ${type}`, async () => {
    const { planned, allocated } = await allocateShape(shape, type, options);
    assert(planned > 7e9);
    assertClose(planned, allocated);
  });
}

/** A file that tells how far it was read. */
class WatchedBlob extends Blob {
  read = 0;

  override slice(start?: number, end?: number, type?: string): Blob {
    this.read = Math.max(this.read, end ?? this.size);
    return super.slice(start, end, type);
  }
}

Deno.test("loadModel() reads no weights of a model that does not fit", async () => {
  // Its KV cache is larger than any system, and each of its buffers small.
  const contextLength = 2 ** 31 - 1;
  const bytes = makeModel({ contextLength, dim: 256, hiddenDim: 1024 });
  const blob = new WatchedBlob([bytes.slice()]);
  const error = await assertRejects(
    () => loadModel(blob, { contextLength }),
    ModelMemoryError,
    "KV cache",
  );
  assertInstanceOf(error, GpuMemoryError);
  assertEquals(error.name, "ModelMemoryError");
  assert(error.message.endsWith(formatPlan(error.plan)));
  assert(error.stack!.includes("Cannot load "), error.stack);
  assertLess(blob.read, bytes.length / 2);
  const [better] = error.plan.alternatives;
  assertEquals((await planModel(blob, { ...better! })).fits, true);
});

Deno.test("a model on a server is refused before its weights are downloaded", async () => {
  const contextLength = 2 ** 31 - 1;
  const bytes = makeModel({ contextLength, dim: 512, hiddenDim: 4096 });
  await using server = new HostileServer({ "/model.gguf": bytes });
  const cacheDir = await Deno.makeTempDir();
  const options = { contextLength, download: { cacheDir } };
  try {
    const url = server.url("/model.gguf");
    const plan = await planModel(url, options);
    assertEquals(plan.fits, false);
    const error = await assertRejects(
      () => loadModel(url, options),
      ModelMemoryError,
    );
    assertEquals(error.plan.models, plan.models);
    assertLess(server.sentBytes, bytes.length / 8);
  } finally {
    await Deno.remove(cacheDir, { recursive: true });
  }
});

Deno.test("loadModel() throws the same in a worker, with the plan", async () => {
  const model = makeModel({ contextLength: 2 ** 31 - 1 });
  const load = (worker: boolean) =>
    assertRejects(
      () => loadModel(model, { contextLength: 2 ** 31 - 1, worker }),
      ModelMemoryError,
    );
  const [here, there] = [await load(false), await load(true)];
  assertEquals(there.plan.models, here.plan.models);
  assertEquals(there.requested, here.requested);
});

Deno.test("planModel() heeds the memory and the device it is told of", async () => {
  const plan = await planModel(SMALL, { memory: 100_000 });
  assertEquals([plan.fits, plan.device.freeBytes], [false, 100_000]);
  const device = { name: "mine", maxStorageBufferBindingSize: 8192 };
  const other = await planModel(SMALL, { device });
  assertEquals(other.device.name, "mine");
  assertEquals(other.models[0]!.largest.limitBytes, 8192);
});

Deno.test("planModel() asks the GPU when it is to", async () => {
  await countBuffers(async (count) => {
    const plan = await planModel(SMALL, { probe: true });
    assertEquals([plan.fits, count.liveBytes], [true, 0]);
  });
  await assertRejects(
    () => planModel(SMALL, { probe: true, memory: 1e9 }),
    TypeError,
    "probe is true",
  );
});

Deno.test("planModel() refuses what loadModel() refuses", async () => {
  await assertRejects(() => planModel("/no/such.gguf"), Error, "no such file");
  const options = { contextLength: 513 };
  await assertRejects(() => planModel(SMALL, options), RangeError, "513");
  for (const memory of [-1, NaN, Infinity]) {
    await assertRejects(
      () => planModel(SMALL, { memory }),
      RangeError,
      "memory",
    );
  }
  const reason = new Error("enough");
  const signal = AbortSignal.abort(reason);
  const thrown = await assertRejects(() => planModel(SMALL, { signal }));
  assertEquals(thrown, reason);
});

gpuTest("hasRoom() gives back what it asks for", async (gpu) => {
  const plan = await planModel(SMALL);
  const { check } = BufferPool.prototype;
  await countBuffers(async (count) => {
    assert(await hasRoom(gpu, plan));
    assertEquals([count.liveBytes, count.peakBytes >= plan.peakBytes], [
      0,
      true,
    ]);
    BufferPool.prototype.check = async function (what) {
      await check.call(this, what);
      throw new GpuMemoryError(what, 1, { allocated: 0 });
    };
    try {
      assertEquals(await hasRoom(gpu, plan), false);
    } finally {
      BufferPool.prototype.check = check;
    }
    assertEquals(count.liveBytes, 0);
  });
});

/** Runs `fn` as if the adapter were a GPU, which says nothing of its memory. */
async function asOnGpu<T>(fn: () => Promise<T>): Promise<T> {
  const { prototype } = GPUAdapterInfo;
  const name = "isFallbackAdapter";
  const own = Object.getOwnPropertyDescriptor(prototype, name)!;
  Object.defineProperty(prototype, name, { ...own, get: () => false });
  try {
    return await fn();
  } finally {
    Object.defineProperty(prototype, name, own);
  }
}

/** Runs `fn` on a GPU that has room for so many bytes of a trial. */
async function withRoom<T>(bytes: number, fn: () => Promise<T>): Promise<T> {
  const { check } = BufferPool.prototype;
  BufferPool.prototype.check = async function (what) {
    await check.call(this, what);
    if (what !== "a trial" || this.bytes <= bytes) return;
    throw new GpuMemoryError(what, this.bytes, { allocated: 0 });
  };
  try {
    return await asOnGpu(fn);
  } finally {
    BufferPool.prototype.check = check;
  }
}

Deno.test("loadModel() asks a GPU for all of it before it reads weights", async () => {
  const bytes = makeModel({
    contextLength: 2 ** 14,
    dim: 256,
    hiddenDim: 1024,
  });
  const { device, fits, peakBytes } = await asOnGpu(() => planModel(bytes));
  assertEquals([device.freeBytes, fits], [null, null]);
  const blob = new WatchedBlob([bytes.slice()]);
  await countBuffers(async (count) => {
    const load = () => loadModel(blob, { contextLength: 2 ** 14 });
    const error = await withRoom(
      peakBytes,
      () => assertRejects(load, ModelMemoryError, "the GPU has no room for "),
    );
    assert(error.plan.alternatives.some(({ kv }) => kv === "q8_0"));
    assertEquals(count.liveBytes, 0);
    assertLess(blob.read, bytes.length / 2);
  });
  await withRoom(peakBytes, async () => {
    await using model = await loadModel(bytes);
    assertEquals(model.plan().fits, true);
    assertClose(model.plan().totalBytes, model.gpuBytes);
  });
});

Deno.test("seraph inspect --plan prints a table, and with --json the plan", async () => {
  const { code, stdout } = await runCli(`inspect --plan ${ARCHANGEL}`);
  assertEquals(code, 0);
  for (const line of stdout.split("\n")) assert(line.length <= 80, line);
  assert(stdout.includes("weights Q8_0") && stdout.includes("It fits."));
  const args = "--context 64 --kv-type q8_0 --activations int8 --memory 20MiB";
  const json = await runJson(`inspect --plan ${ARCHANGEL} ${args}`);
  const { contextLength, kv } = json.models[0];
  assertEquals([contextLength, kv, json.fits], [64, "q8_0", false]);
  assertEquals(json.device.freeBytes, 20 * 2 ** 20);
});

Deno.test("seraph inspect refuses options of a plan without --plan", async () => {
  const { code, stderr } = await runCli(`inspect ${ARCHANGEL} --context 64`);
  assertEquals(code, 2);
  assert(stderr.includes("'--context <n>' wants --plan"), stderr);
});
