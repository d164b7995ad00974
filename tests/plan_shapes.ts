import { describeTensors } from "../bench/synthetic/tensors.ts";
import { findShape } from "../bench/synthetic/shapes.ts";
import { createTokenizer } from "../bench/synthetic/tokenizer.ts";
import { findType } from "../bench/synthetic/types.ts";
import { assembleModel } from "../src/engine/assemble.ts";
import {
  type LoadModelOptions,
  readSizes,
} from "../src/engine/load_options.ts";
import { planGpu, planMemory } from "../src/engine/plan.ts";
import { BufferPool } from "../src/gpu/buffers.ts";
import { requestGpu } from "../src/gpu/gpu.ts";
import { allocateWeights } from "../src/model/weights.ts";
import { countBuffers } from "./count_buffers.ts";

/** Above this, buffers are only counted; kernels are tested with smaller ones. */
const THIN_BYTES = 2 ** 20;

/**
 * Allocates all that a model of a shape takes, as loading it does, on a device
 * that counts large buffers and gives them little memory.
 *
 * @param name The shape; see `bench/synthetic/shapes.ts`.
 * @param type A format or a mix.
 * @param options As for `loadModel()`.
 * @returns Bytes that were planned and allocated.
 */
export async function allocateShape(
  name: string,
  type: string,
  options: LoadModelOptions,
): Promise<{ planned: number; allocated: number }> {
  const shape = findShape(name);
  const { kv = "f16", activations } = options;
  const sizes = readSizes(shape, options);
  const tensors = describeTensors(shape, findType(type).name);
  const tokenizer = createTokenizer(shape.vocabularySize);
  return await countBuffers(async (count) => {
    const gpu = await requestGpu();
    const pool = new BufferPool(gpu.device);
    const rest = { ...sizes, kv, int8: activations === "int8" };
    const models = [{
      label: name,
      config: shape,
      tensors,
      tokens: tokenizer.size,
    }];
    const device = { ...planGpu(gpu), freeBytes: null };
    const plan = await planMemory({ models, ...rest }, device);
    const { weights } = allocateWeights({ gpu, pool }, tensors);
    await pool.check("the weights");
    const parts = {
      config: shape,
      weights: { ...weights, ropeFreqs: undefined },
      tokenizer,
    };
    await using _ = await assembleModel({ gpu, pool }, parts, {
      ...rest,
      ...{ plan, tune: "off", start: 0 },
    });
    return { planned: plan.totalBytes, allocated: count.liveBytes };
  }, { thin: THIN_BYTES });
}
