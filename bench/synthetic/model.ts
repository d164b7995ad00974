import { assembleModel } from "../../src/engine/assemble.ts";
import {
  type LoadModelOptions,
  readSizes,
} from "../../src/engine/load_options.ts";
import type { Model } from "../../src/engine/model.ts";
import { planGpu, planMemory } from "../../src/engine/plan.ts";
import { ModelMemoryError } from "../../src/engine/plan_error.ts";
import { BufferPool } from "../../src/gpu/buffers.ts";
import { requestGpu } from "../../src/gpu/gpu.ts";
import { tuneMode } from "../../src/tune/mode.ts";
import type { SyntheticShape } from "./shapes.ts";
import { describeTensors, listTensors } from "./tensors.ts";
import { createTokenizer } from "./tokenizer.ts";
import { createRandomWeights } from "./weights.ts";

/** A model that no file holds, and what a file of it would be. */
export interface SyntheticModel {
  /** The model. */
  model: Model;
  /** Weights in all tensors. */
  parameters: number;
  /** Bytes that they would take in a file. */
  bytes: number;
}

/** Options for {@linkcode createSyntheticModel}. */
export type SyntheticOptions = Omit<LoadModelOptions, "onProgress">;

/**
 * Makes a model of random weights, which are made on the GPU: all the rest is
 * what {@linkcode loadModel} makes of a file.
 *
 * @param shape The model's sizes.
 * @param type How its weights are packed: a format, or a mix such as `"Q4_K_M"`.
 * @param options As for `loadModel()`.
 * @returns The model; dispose of it to free its GPU memory.
 * @throws {RangeError} If there is no such type, or an option is out of range.
 * @throws {GpuMemoryError} If the GPU has no room; nothing stays allocated.
 */
export async function createSyntheticModel(
  shape: SyntheticShape,
  type: string,
  options: SyntheticOptions = {},
): Promise<SyntheticModel> {
  const start = performance.now();
  const { kv = "f16", activations, signal } = options;
  const sizes = readSizes(shape, options);
  const tensors = describeTensors(shape, type);
  const list = listTensors(tensors);
  const bytes = list.reduce((sum, tensor) => sum + tensor.bytes, 0);
  const parameters = list.reduce((sum, { elements }) => sum + elements, 0);
  const gpu = await requestGpu(options);
  const pool = new BufferPool(gpu.device);
  try {
    const tokens = shape.vocabularySize;
    const int8 = activations === "int8";
    const plan = await planMemory({
      models: [{ label: type, config: shape, tensors, tokens }],
      ...{ ...sizes, kv, int8 },
    }, planGpu(gpu));
    if (plan.fits === false) throw new ModelMemoryError(plan);
    const weights = await createRandomWeights({ gpu, pool }, tensors, {
      signal,
    });
    const tokenizer = createTokenizer(shape.vocabularySize);
    const parts = { config: shape, weights, tokenizer };
    const model = await assembleModel({ gpu, pool }, parts, {
      ...sizes,
      kv,
      int8,
      plan,
      tune: tuneMode(options.tune),
      start,
      signal,
    });
    return { model, parameters, bytes };
  } catch (error) {
    pool[Symbol.dispose]();
    gpu.device.destroy();
    throw error;
  }
}
