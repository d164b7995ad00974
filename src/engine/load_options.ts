import type { RequestGpuOptions } from "../gpu/gpu.ts";
import { ACTIVATIONS, type Activations } from "../kernels/choices.ts";
import { KV_TYPES, type KvType } from "../kernels/kv_cache.ts";
import type { LlamaConfig } from "../model/config.ts";
import { longestContext, type RopeScalingOptions } from "../model/rope.ts";
import type { LoadProgress } from "../model/upload.ts";
import type { ModelInput } from "../sources/input.ts";
import type { DownloadOptions } from "../sources/options.ts";
import type { TuneMode } from "../tune/mode.ts";

/** What weights can be quantized to while they are loaded. */
export type PackedType = "q4_0" | "q4_k" | "q8_0";

/** The names of {@linkcode PackedType}. */
export const PACKED_TYPES: readonly PackedType[] = ["q4_0", "q4_k", "q8_0"];

/** Options for `loadModel()`. */
export interface LoadModelOptions extends RequestGpuOptions {
  /** Called after each chunk of weights; a draft's begin anew. */
  onProgress?: ((progress: LoadProgress) => void) | undefined;
  /** Stops loading and frees everything. */
  signal?: AbortSignal | undefined;
  /**
   * Positions of a conversation, which its KV cache is allocated for, at most what
   * the model was trained on or `rope` stretches that to. Defaults to that, at most
   * 8192.
   */
  contextLength?: number | undefined;
  /**
   * Stretches rotary embedding over longer contexts, in place of what the file
   * says of it: `{ type: "yarn", factor: 4 }`. Defaults to what the file says.
   */
  rope?: RopeScalingOptions | undefined;
  /**
   * Element type of the KV cache. Defaults to `"f16"`; `"f32"` keeps every digit,
   * `"q8_0"` takes about half the memory of `"f16"`.
   */
  kv?: KvType | undefined;
  /**
   * Format that the matrices of an F32, F16 or BF16 file are quantized to while
   * they are loaded: every one to this, as `quantizeFile()` does with `pure`. A
   * draft stays as it is. Defaults to that of the file.
   */
  as?: PackedType | undefined;
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
  /**
   * A smaller model of the same vocabulary, which guesses tokens that this one
   * then checks several at a time: the text stays the same. Defaults to none.
   */
  draft?: ModelInput | undefined;
  /**
   * Where models of other machines are kept, and how far their download is.
   */
  download?: DownloadOptions | undefined;
  /**
   * How many KV caches are kept while nobody uses them, for prompts that begin
   * like one before. Defaults to 1.
   */
  keptCaches?: number | undefined;
  /**
   * Bytes of GPU memory for KV caches. Where they are not enough, those that are
   * not in use make room: kept ones are freed, those of sessions move to the CPU,
   * the least recently used first. Caches in use always stay. Defaults to
   * `Infinity`: as much as the GPU has.
   */
  kvMemory?: number | undefined;
  /**
   * Whether the model runs in a worker, so that this thread never waits for the
   * GPU. The program has to dispose of the model then: a worker keeps it running.
   * Defaults to `false`.
   */
  worker?: boolean | undefined;
}

const DEFAULT_CONTEXT = 8192;
const DEFAULT_BATCH = 512;

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
    keptCaches = 1,
    kvMemory = Infinity,
    kv = "f16",
    activations = "f32",
    as,
  }: LoadModelOptions,
): { contextLength: number; batchSize: number } {
  const longest = longestContext(config);
  const context = contextLength ?? Math.min(longest, DEFAULT_CONTEXT);
  if (!Number.isInteger(context) || context < 1 || context > longest) {
    throw new RangeError(
      `Cannot load model: contextLength is ${context}, an integer from 1 to the model's ${longest} is wanted`,
    );
  }
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new RangeError(
      `Cannot load model: batchSize is ${batchSize}, a positive integer is wanted`,
    );
  }
  if (!Number.isInteger(keptCaches) || keptCaches < 1) {
    throw new RangeError(
      `Cannot load model: keptCaches is ${keptCaches}, a positive integer is wanted`,
    );
  }
  if (!(kvMemory >= 0)) {
    throw new RangeError(
      `Cannot load model: kvMemory is ${kvMemory}, bytes from 0 on are wanted`,
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
  if (as !== undefined && !PACKED_TYPES.includes(as)) {
    throw new TypeError(
      `Cannot load model: as is "${as}", one of ${
        PACKED_TYPES.join(", ")
      } is wanted`,
    );
  }
  return { contextLength: context, batchSize: Math.min(batchSize, context) };
}
