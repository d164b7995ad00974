import { assert, assertEquals } from "@std/assert";
import { loadModel } from "../mod.ts";
import { requestGpu } from "../src/gpu/gpu.ts";
import { projectFile } from "./engine.ts";

const STORIES = projectFile("models/stories260k-f32.gguf");

/**
 * Runs `fn` on a runtime like a browser, where a buffer can be read only once
 * the promise of its mapping has been resolved.
 */
async function withAwaitedMapping<T>(fn: () => Promise<T>): Promise<T> {
  const { mapAsync, getMappedRange } = GPUBuffer.prototype;
  const pending = new WeakSet<GPUBuffer>();
  GPUBuffer.prototype.mapAsync = async function (this: GPUBuffer, ...args) {
    pending.add(this);
    await mapAsync.apply(this, args);
    pending.delete(this);
    return undefined;
  };
  GPUBuffer.prototype.getMappedRange = function (this: GPUBuffer, ...args) {
    if (pending.has(this)) {
      throw new DOMException("The buffer is not mapped yet", "OperationError");
    }
    return getMappedRange.apply(this, args);
  };
  try {
    return await fn();
  } finally {
    Object.assign(GPUBuffer.prototype, { mapAsync, getMappedRange });
  }
}

Deno.test("requestGpu() finds out where read-back must be awaited", async () => {
  const gpu = await withAwaitedMapping(() => requestGpu());
  try {
    assertEquals(gpu.syncReadback, false);
  } finally {
    gpu.device.destroy();
  }
});

Deno.test("a model says the same where read-back must be awaited", async () => {
  const prompts = ["Once upon a time", "One day, Lily"];
  const say = async () => {
    await using model = await loadModel(STORIES);
    // At the same time: each step waits while the others are submitted.
    const results = await Promise.all(
      prompts.map((prompt) =>
        model.generate(prompt, { maxTokens: 12 }).result()
      ),
    );
    const { loglikelihood } = await model.score([1, 403, 407, 261, 378]);
    return { ids: results.map(({ ids }) => ids), loglikelihood };
  };
  const awaited = await withAwaitedMapping(say);
  assertEquals(awaited, await say());
  assert(awaited.ids.every((ids) => ids.length === 12));
});
