import { BufferPool, formatBytes, GpuMemoryError } from "../gpu/buffers.ts";
import { requestGpu, type RequestGpuOptions } from "../gpu/gpu.ts";
import { getString } from "../gguf/metadata.ts";
import { type GgufFile, readGguf } from "../gguf/reader.ts";
import { type ModelInput, openSource } from "../gguf/source.ts";
import { ACTIVATIONS, type Activations } from "../kernels/choices.ts";
import { KV_TYPES, type KvType } from "../kernels/kv_cache.ts";
import { type LlamaConfig, readConfig } from "../model/config.ts";
import { kvBytes } from "../model/kv_buffers.ts";
import { findTensors } from "../model/tensors.ts";
import type { LoadProgress } from "../model/upload.ts";
import { loadWeights } from "../model/weights.ts";
import { Tokenizer } from "../tokenizer/tokenizer.ts";
import { type TuneMode, tuneMode } from "../tune/mode.ts";
import { assembleModel } from "./assemble.ts";
import { checkSystemMemory } from "./memory.ts";
import type { Model } from "./model.ts";

/** Options for {@linkcode loadModel}. */
export interface LoadModelOptions extends RequestGpuOptions {
  /** Called after each chunk of weights. */
  onProgress?: ((progress: LoadProgress) => void) | undefined;
  /** Stops loading and frees everything. */
  signal?: AbortSignal | undefined;
  /**
   * Positions of a conversation, which its KV cache is allocated for. Defaults
   * to what the model was trained on, at most 8192.
   */
  contextLength?: number | undefined;
  /**
   * Element type of the KV cache. Defaults to `"f16"`; `"f32"` keeps every digit,
   * `"q8_0"` takes about half the memory of `"f16"`.
   */
  kv?: KvType | undefined;
  /** Prompt tokens that run in one step. Defaults to 512. */
  batchSize?: number | undefined;
  /**
   * What weights of whole numbers are multiplied with. Defaults to `"f32"`, which
   * keeps every digit; `"int8"` rounds activations to 8 bits, 32 to a scale, as
   * llama.cpp does, and is faster on GPUs where prompts are bound by arithmetic.
   */
  activations?: Activations | undefined;
  /**
   * Whether kernel variants are measured at load. Defaults to `$SERAPH_TUNE`, or
   * else to `"cached"`: what was measured on this device before is taken from the
   * cache folder, and what was not is measured once, in a few seconds at most.
   * `"off"` takes them untried, as does a program that may not use that folder.
   */
  tune?: TuneMode | undefined;
}

const DEFAULT_CONTEXT = 8192;
const DEFAULT_BATCH = 512;

/**
 * Loads a model from a GGUF file to the GPU.
 *
 * ```ts
 * import { loadModel } from "@seraph/seraph";
 *
 * await using model = await loadModel("models/tiny-archangel-q8_0.gguf");
 * const { text } = await model.generate("Once upon a time").result();
 * ```
 *
 * @param input A path, a `file:` URL, or the file's bytes.
 * @param options How to load it.
 * @returns The model; dispose of it to free its GPU memory.
 * @throws {Error} If the file is missing, broken or of an unsupported kind, or
 * the GPU has no room; nothing stays allocated.
 */
export async function loadModel(
  input: ModelInput,
  options: LoadModelOptions = {},
): Promise<Model> {
  const start = performance.now();
  const { signal } = options;
  signal?.throwIfAborted();
  await using source = await openSource(input);
  const file = await readGguf(source);
  const config = readConfig(file);
  const tensors = findTensors(file, config);
  const tokenizer = Tokenizer.fromMetadata(file.metadata);
  const sizes = readSizes(config, options);
  const tune = tuneMode(options.tune);
  signal?.throwIfAborted();

  const gpu = await requestGpu(options);
  const pool = new BufferPool(gpu.device);
  try {
    const { kv = "f16", onProgress } = options;
    const cache = kvBytes({ config, context: sizes.contextLength, kv });
    checkSystemMemory(gpu, "weights and KV cache", bytesOf(file) + cache);
    const weights = await loadWeights({ gpu, pool }, { source, tensors }, {
      onProgress,
      signal,
    });
    const template = getString(file.metadata, "tokenizer.chat_template");
    const parts = { config, weights, tokenizer, template };
    return await assembleModel({ gpu, pool }, parts, {
      ...sizes,
      kv,
      int8: options.activations === "int8",
      tune,
      start,
      signal,
    });
  } catch (error) {
    pool[Symbol.dispose]();
    gpu.device.destroy();
    if (!(error instanceof GpuMemoryError)) throw error;
    throw new Error(
      `Cannot load "${file.label}" of ${
        formatBytes(file.size)
      }: ${error.message}`,
      { cause: error },
    );
  }
}

/** About what the weights take on the GPU: what they take in the file. */
function bytesOf({ tensors }: GgufFile): number {
  return tensors.values().reduce((sum, { bytes }) => sum + bytes, 0);
}

/**
 * Checks the options that sizes follow from, and fills in the defaults.
 *
 * @param config The model's hyperparameters.
 * @param options What was asked for.
 * @returns Positions of a conversation, and rows of a batch.
 * @throws {RangeError} If a size is none.
 * @throws {TypeError} If a type is not known.
 */
export function readSizes(
  config: LlamaConfig,
  {
    contextLength,
    batchSize = DEFAULT_BATCH,
    kv = "f16",
    activations = "f32",
  }: LoadModelOptions,
): { contextLength: number; batchSize: number } {
  const trained = config.contextLength;
  const context = contextLength ?? Math.min(trained, DEFAULT_CONTEXT);
  if (!Number.isInteger(context) || context < 1 || context > trained) {
    throw new RangeError(
      `Cannot load model: contextLength is ${context}, an integer from 1 to the model's ${trained} is wanted`,
    );
  }
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new RangeError(
      `Cannot load model: batchSize is ${batchSize}, a positive integer is wanted`,
    );
  }
  if (!ACTIVATIONS.includes(activations)) {
    throw new TypeError(
      `Cannot load model: activations is "${activations}", one of ${
        ACTIVATIONS.join(", ")
      } is wanted`,
    );
  }
  if (!KV_TYPES.includes(kv)) {
    throw new TypeError(
      `Cannot load model: kv is "${kv}", one of ${
        KV_TYPES.join(", ")
      } is wanted`,
    );
  }
  return { contextLength: context, batchSize: Math.min(batchSize, context) };
}
