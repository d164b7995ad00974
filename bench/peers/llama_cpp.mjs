// @ts-check
/**
 * llama.cpp as a process of Node.js that measures on request.
 *
 *     node llama_cpp.mjs CACHE vulkan|cuda|cpu MODEL.gguf
 *
 * It says as one line of JSON what it loaded onto which device, or `error`, or
 * `absent` where there is no such backend. Then
 * every line `{ nPrompt, nGen, repetitions }` on its input is answered by a line
 * `{ samplesTs }`, after one run to warm up, in which shaders are compiled.
 *
 * What is timed is what llama-bench times: `llama_decode()` and
 * `llama_synchronize()`, with no sampling,
 *
 * - for a prompt, of all its tokens as one batch, with the logits of the last;
 * - for generation, of one random token after the other from an empty context,
 *   each with its logits.
 *
 * To come that close it calls the addon of node-llama-cpp itself, through the
 * context's `_ctx`: the public `controlledEvaluate()` samples as well, and
 * `evaluateWithoutGeneratingNewTokens()` leaves the head out. Each batch still
 * costs a turn over libuv's thread pool, tenths of a millisecond: much for a
 * small model on the CPU, little on a GPU.
 *
 * @module
 */

import { cpus } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

/**
 * @typedef {object} AddonContext Of the addon, as version 3.22.1 has it.
 * @property {(size: number) => void} initBatch
 * @property {(sequence: number, position: number, ids: Uint32Array,
 *   logits: Uint32Array) => Uint32Array} addToBatch
 * @property {() => Promise<void>} decodeBatch
 * @property {(sequence: number) => void} disposeSequence
 */

const BATCH = 512;

/** @param {object} message */
function write(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

/**
 * Loads the model, and checks where it is.
 *
 * @param {string} cache
 * @param {"vulkan" | "cuda" | "cpu"} backend
 * @param {string} modelPath
 */
async function load(cache, backend, modelPath) {
  const entry = join(cache, "node_modules/node-llama-cpp/dist/index.js");
  const { getLlama } = await import(pathToFileURL(entry).href);
  const log = /** @type {string[]} */ ([]);
  // ggml's threads spin where they wait for each other: one core that another
  // program takes would stall them all.
  const threads = Math.max(1, cpus().length - 1);
  const llama = await getLlama({
    build: "never",
    skipDownload: true,
    gpu: backend === "cpu" ? false : backend,
    maxThreads: threads,
    logLevel: "info",
    /** @type {(level: string, text: string) => void} */
    logger: (_, text) => void log.push(text),
  }).catch((/** @type {Error} */ error) => {
    // It is not compatible with the system: there is no driver.
    if (backend !== "cuda" || !/NoBinaryFound/.test(error.message)) throw error;
    write({ absent: "there is no CUDA" });
    process.exit(0);
  });
  const model = await llama.loadModel({
    modelPath,
    gpuLayers: backend === "cpu" ? 0 : "max",
  });
  const contextLength = model.trainContextSize;
  const context = await model.createContext({
    contextSize: Math.min(contextLength, 4096),
    batchSize: Math.min(BATCH, contextLength),
    sequences: 1,
    threads,
  });
  const names = await llama.getGpuDeviceNames();
  const offloaded = /offloaded (\d+)\/(\d+) layers/.exec(log.join("\n"));
  if (backend === "cpu") {
    if (llama.gpu !== false || offloaded !== null) {
      throw new Error(
        `Cannot measure the CPU: the backend is ${llama.gpu || "cpu"}`,
      );
    }
  } else if (
    llama.gpu !== backend || names.length !== 1 ||
    offloaded === null || offloaded[1] !== offloaded[2]
  ) {
    throw new Error(
      `Cannot measure ${backend}: the backend is ${llama.gpu || "cpu"} with ` +
        `[${names.join(", ")}] and ${offloaded?.[0] ?? "no layers"} there, ` +
        "one device with all layers is wanted; see GGML_VK_VISIBLE_DEVICES " +
        "and CUDA_VISIBLE_DEVICES",
    );
  }
  const addon = /** @type {AddonContext} */ (context._ctx);
  for (
    const name of /** @type {const} */ (
      ["initBatch", "addToBatch", "decodeBatch", "disposeSequence"]
    )
  ) {
    if (typeof addon?.[name] === "function") continue;
    throw new TypeError(
      `Cannot measure: node-llama-cpp has no ${name}(), 3.22.1 is wanted`,
    );
  }
  const info = {
    device: backend === "cpu"
      ? `${cpus()[0]?.model.trim()}, ${threads} of ${cpus().length} cores`
      : names[0],
    release: llama.llamaCppRelease.release,
    contextLength,
    vocabularySize: vocabularySize(model),
    offloaded: offloaded?.[0],
    graph: /splits = \d+/.exec(log.join("\n"))?.[0],
  };
  return { addon, info, model, context };
}

/** @param {any} model */
function vocabularySize(model) {
  const tokens = model.fileInfo?.metadata?.tokenizer?.ggml?.tokens;
  if (Array.isArray(tokens)) return tokens.length;
  throw new TypeError(
    `Cannot measure: tokenizer.ggml.tokens is ${typeof tokens}, an array is wanted`,
  );
}

/**
 * Tokens a second of one run from an empty context.
 *
 * @param {AddonContext} addon
 * @param {{ nPrompt: number, nGen: number }} test One of the two is 0.
 * @param {number} vocabulary
 */
async function once(addon, { nPrompt, nGen }, vocabulary) {
  const ids = Uint32Array.from(
    { length: nPrompt + nGen },
    () => Math.floor(Math.random() * vocabulary),
  );
  const step = nPrompt > 0 ? BATCH : 1;
  addon.disposeSequence(0);
  const start = performance.now();
  for (let at = 0; at < ids.length; at += step) {
    const batch = ids.subarray(at, at + step);
    const isLast = at + step >= ids.length;
    const logits = nGen > 0 || isLast ? [batch.length - 1] : [];
    addon.initBatch(batch.length);
    addon.addToBatch(0, at, batch, Uint32Array.from(logits));
    await addon.decodeBatch();
  }
  return ids.length / (performance.now() - start) * 1e3;
}

try {
  const [cache, backend, path] = process.argv.slice(2);
  const known = backend === "vulkan" || backend === "cuda" || backend === "cpu";
  if (!cache || !path || !known) {
    throw new TypeError(
      "Cannot measure: CACHE, vulkan, cuda or cpu, and MODEL.gguf are wanted",
    );
  }
  const { addon, info, context } = await load(cache, backend, path);
  write(info);
  for await (const line of createInterface({ input: process.stdin })) {
    const { repetitions, ...test } = JSON.parse(line);
    await once(addon, test, info.vocabularySize);
    const samplesTs = [];
    for (let i = 0; i < repetitions; i++) {
      samplesTs.push(await once(addon, test, info.vocabularySize));
    }
    write({ samplesTs });
  }
  await context.dispose();
  process.exit(0);
} catch (error) {
  write({ error: error instanceof Error ? error.message : String(error) });
  process.exit(1);
}
