import type { Gpu } from "../gpu/gpu.ts";
import type { OpenFiles, OpenModel } from "./load.ts";
import type { LoadModelOptions } from "./load_options.ts";
import {
  type MemoryPlan,
  planGpu,
  type PlanInput,
  planMemory,
  type PlannedModel,
} from "./plan.ts";
import { ModelMemoryError } from "./plan_error.ts";
import { hasRoom } from "./room.ts";

/**
 * Plans a load, before the first byte of weights is read.
 *
 * @param gpu The device.
 * @param files The files of a model.
 * @param options How it is to be loaded.
 * @returns The plan.
 * @throws {ModelMemoryError} If it does not fit.
 */
export async function planLoad(
  gpu: Gpu,
  files: OpenFiles,
  options: LoadModelOptions,
): Promise<MemoryPlan> {
  const plan = await planFiles(gpu, files, options);
  if (plan.fits === false) throw new ModelMemoryError(plan);
  return plan;
}

/**
 * Plans a load on a device.
 *
 * @param gpu The device, which is asked where nothing says what is free.
 * @param files The files of a model.
 * @param options How it is to be loaded.
 * @returns The plan, also of what does not fit.
 */
export async function planFiles(
  gpu: Gpu,
  files: OpenFiles,
  options: Pick<LoadModelOptions, "kv" | "activations">,
): Promise<MemoryPlan> {
  const probe = (plan: MemoryPlan) => hasRoom(gpu, plan);
  return await planMemory(planInput(files, options), planGpu(gpu), probe);
}

/**
 * The plan of what was loaded, in smaller batches where there was less room.
 *
 * @param plan The plan that it was loaded by.
 * @param files The files of the model.
 * @param loaded How it was loaded, and the rows of its batches.
 * @returns The plan.
 */
export async function planLoaded(
  plan: MemoryPlan,
  files: OpenFiles,
  { options, batchSize }: { options: LoadModelOptions; batchSize: number },
): Promise<MemoryPlan> {
  if (batchSize === plan.models[0]!.batchSize) return plan;
  const input = { ...planInput(files, options), batchSize };
  return await planMemory(input, plan.device, () => Promise.resolve(true));
}

/**
 * What a plan is made for.
 *
 * @param files The files of a model.
 * @param options How it is to be loaded.
 * @returns The input of `planMemory()`.
 */
export function planInput(
  { main, draft, sizes }: OpenFiles,
  { kv = "f16", activations }: Pick<LoadModelOptions, "kv" | "activations">,
): PlanInput {
  const planned = (
    { file: { label }, config, tokenizer, tensors }: OpenModel,
  ): PlannedModel => ({ label, config, tensors, tokens: tokenizer.size });
  const own = planned(main);
  const rest = draft === undefined ? [] : [planned(draft)];
  return {
    models: [own, ...rest],
    packed: async (as) => {
      const { isOfFloats, packTensors } = await import("./pack_tensors.ts");
      if (!isOfFloats(main.tensors)) return undefined;
      const tensors = packTensors(main.file, main.tensors, as);
      return [{ ...own, tensors }, ...rest];
    },
    ...{ ...sizes, kv, int8: activations === "int8" },
  };
}
