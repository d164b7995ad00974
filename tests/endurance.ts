/**
 * Generates tokens in a loop of conversations, and prints what it leaves behind
 * as JSON: buffers, bytes of GPU memory, resident bytes, and whether the model
 * still says what it said at first.
 *
 *     deno run -A tests/endurance.ts [TOKENS]
 *
 * @module
 */

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
    if (error !== signal.reason) throw error;
  }
  return count;
}

interface Memory {
  buffers: number;
  bytes: number;
  rss: number;
}

await countBuffers(async (live) => {
  await using model = await loadModel(MODEL, { batchSize: 16 });
  const memory = (): Memory => ({
    buffers: live(),
    bytes: model.gpuBytes,
    rss: Deno.memoryUsage().rss,
  });
  const most = Number(Deno.args[0] ?? 10_000);
  const prompt = madeIds(30);
  const options = { temperature: 1, seed: 1, maxTokens: 40, ignoreEos: true };
  const first = await model.generate(prompt, options).result();
  const random = seeded(11);
  let warm: Memory | undefined;
  let tokens = 0;
  while (tokens < most) {
    tokens += await converse(model, random);
    // All is compiled by then, and logits were read once: what stays is there.
    if (tokens > 0.4 * most) warm ??= memory();
  }
  const end = memory();
  const last = await model.generate(prompt, options).result();
  const isSame = String(last.ids) === String(first.ids);
  const text = JSON.stringify({ tokens, warm, end, isSame });
  await Deno.stdout.write(new TextEncoder().encode(`${text}\n`));
});
