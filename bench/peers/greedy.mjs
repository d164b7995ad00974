// @ts-check
/**
 * llama.cpp as a process of Node.js that answers greedily on request, on the CPU.
 *
 *     node greedy.mjs CACHE MODEL.gguf
 *
 * It says as one line of JSON which release it is, or `error`. Every line
 * `{ text, count }` on its input is answered by a line `{ prompt, ids, margins }`:
 * the ids of the text, those that follow it, and by how much the logit of each is
 * above the second best.
 *
 * @module
 */

import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

/** @param {object} message */
function write(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

/**
 * How far the first of some probabilities is above the second.
 *
 * @param {Map<number, number>} probabilities
 */
function marginOf(probabilities) {
  const [first = 1, second = 0] = [...probabilities.values()]
    .sort((a, b) => b - a);
  return Math.log(first / second);
}

/**
 * @param {any} sequence
 * @param {number[]} prompt
 * @param {number} count
 */
async function answer(sequence, prompt, count) {
  await sequence.clearHistory();
  const ids = [];
  const margins = [];
  let batch = prompt;
  while (ids.length < count) {
    const last = batch.at(-1);
    const results = await sequence.controlledEvaluate([
      ...batch.slice(0, -1),
      [last, {
        generateNext: { token: true, probabilities: true },
      }],
    ]);
    const { probabilities } = results.at(-1).next;
    const [id] = [...probabilities].reduce((a, b) => b[1] > a[1] ? b : a);
    ids.push(id);
    margins.push(marginOf(probabilities));
    batch = [id];
  }
  return { prompt, ids, margins };
}

try {
  const [cache, modelPath] = process.argv.slice(2);
  if (!cache || !modelPath) {
    throw new TypeError("Cannot answer: CACHE and MODEL.gguf are wanted");
  }
  const entry = join(cache, "node_modules/node-llama-cpp/dist/index.js");
  const { getLlama } = await import(pathToFileURL(entry).href);
  const llama = await getLlama({
    build: "never",
    skipDownload: true,
    gpu: false,
    // Threads that wait for each other spin: others on the machine stall them.
    maxThreads: 1,
    logLevel: "error",
  });
  const model = await llama.loadModel({ modelPath });
  const context = await model.createContext({ contextSize: 512, threads: 1 });
  const sequence = context.getSequence();
  write({ release: llama.llamaCppRelease.release });
  for await (const line of createInterface({ input: process.stdin })) {
    const { text, count } = JSON.parse(line);
    const { bos, shouldPrependBosToken } = model.tokens;
    const prompt = [
      ...(shouldPrependBosToken && bos !== null ? [bos] : []),
      ...model.tokenize(text, true),
    ];
    write(await answer(sequence, prompt, count));
  }
  process.exit(0);
} catch (error) {
  write({ error: error instanceof Error ? error.message : String(error) });
  process.exit(1);
}
