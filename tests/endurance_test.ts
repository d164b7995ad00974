import { assert, assertEquals, assertLess } from "@std/assert";
import { type GenerateOptions, loadModel, type Model } from "../mod.ts";
import { seeded } from "./gguf_mutate.ts";
import { madeIds, makeModel } from "./models.ts";

const MODEL = makeModel({ dim: 64, format: "Q8_0", contextLength: 256 });

/** Counts the buffers that exist while `fn` runs. */
async function countBuffers(
  fn: (live: () => number) => Promise<void>,
): Promise<void> {
  const { createBuffer } = GPUDevice.prototype;
  const { destroy } = GPUBuffer.prototype;
  const live = new Set<GPUBuffer>();
  GPUDevice.prototype.createBuffer = function (...args) {
    const buffer = createBuffer.apply(this, args);
    live.add(buffer);
    return buffer;
  };
  GPUBuffer.prototype.destroy = function () {
    live.delete(this);
    return destroy.apply(this);
  };
  try {
    await fn(() => live.size);
  } finally {
    Object.assign(GPUDevice.prototype, { createBuffer });
    Object.assign(GPUBuffer.prototype, { destroy });
  }
}

/** Options that differ from one conversation to the next. */
function someOptions(random: () => number): GenerateOptions {
  const below = (n: number) => Math.floor(random() * n);
  const ways: GenerateOptions[] = [
    {},
    { steps: 1 + below(64) },
    { temperature: 1, topK: 20, seed: below(1000) },
    { temperature: 0.8, topP: 0.9, repeatPenalty: 1.1, seed: below(1000) },
    { sampler: "cpu" },
    { speculation: "lookup" },
    { reuse: false },
  ];
  return { ignoreEos: true, maxTokens: 20 + below(130), ...ways[below(7)] };
}

/** One conversation, which ends by itself, is left, or aborted at any moment. */
async function converse(model: Model, random: () => number): Promise<number> {
  const prompt = madeIds(1 + Math.floor(random() * 90));
  const options = someOptions(random);
  const kind = random();
  if (kind < 0.6) {
    return (await model.generate(prompt, options).result()).ids.length;
  }
  let count = 0;
  const most = random() * 60;
  if (kind < 0.8) {
    for await (const _ of model.generate(prompt, options)) {
      if (++count > most) break;
    }
    return count;
  }
  const signal = AbortSignal.timeout(Math.floor(most));
  try {
    for await (const _ of model.generate(prompt, { ...options, signal })) {
      count++;
    }
  } catch (error) {
    assert(error === signal.reason);
  }
  return count;
}

Deno.test("10,000 tokens of many conversations leave nothing behind", async () => {
  await countBuffers(async (live) => {
    await using model = await loadModel(MODEL, { batchSize: 16 });
    const prompt = madeIds(30);
    const options = { temperature: 1, seed: 1, maxTokens: 40, ignoreEos: true };
    const expected = await model.generate(prompt, options).result();
    const random = seeded(11);
    let tokens = 0;
    let warm: { buffers: number; bytes: number; rss: number } | undefined;
    while (tokens < 10_000) {
      tokens += await converse(model, random);
      // Compiled by now, and read by logits once: what stays is there.
      if (warm === undefined && tokens > 4000) {
        warm = {
          buffers: live(),
          bytes: model.gpuBytes,
          rss: Deno.memoryUsage().rss,
        };
      }
    }
    assertEquals(live(), warm!.buffers);
    assertEquals(model.gpuBytes, warm!.bytes);
    const grown = Deno.memoryUsage().rss - warm!.rss;
    assertLess(grown, 32 * 2 ** 20);
    const { ids } = await model.generate(prompt, options).result();
    assertEquals(ids, expected.ids);
  });
});
