import { assertEquals, assertRejects } from "@std/assert";
import { loadModel } from "../mod.ts";
import { BufferPool, GpuMemoryError } from "../src/gpu/buffers.ts";
import { watchDevices } from "./devices.ts";
import { continueIds } from "./engine.ts";
import { madeIds, makeModel } from "./models.ts";

const MODEL = makeModel({ contextLength: 600 });
const PROMPT = madeIds(300);

/** Runs `fn` on a GPU that has no room for activations the first few times. */
async function withFullGpu<T>(times: number, fn: () => Promise<T>): Promise<T> {
  const { check } = BufferPool.prototype;
  BufferPool.prototype.check = async function (what) {
    await check.call(this, what);
    if (what !== "the activations" || times-- <= 0) return;
    throw new GpuMemoryError(what, 1e9, { allocated: 0 });
  };
  try {
    return await fn();
  } finally {
    BufferPool.prototype.check = check;
  }
}

Deno.test("loadModel() takes smaller batches where the GPU has little room", async () => {
  await using whole = await loadModel(MODEL);
  const expected = await continueIds(whole, PROMPT);
  for (const [times, batch] of [[1, 256], [3, 64], [4, 32]] as const) {
    await using model = await withFullGpu(times, () => loadModel(MODEL));
    assertEquals(model.parts.llama.state.batch, batch);
    assertEquals(model.plan().models[0]!.batchSize, batch);
    assertEquals(await continueIds(model, PROMPT), expected);
  }
});

Deno.test("loadModel() gives up where not even small batches fit", async () => {
  const devices = await watchDevices(() =>
    withFullGpu(5, () =>
      assertRejects(
        () => loadModel(MODEL),
        Error,
        "Cannot allocate the activations",
      ))
  );
  assertEquals(devices, [true]);
});
