import type { Gpu } from "../gpu/gpu.ts";
import type {
  AttentionStepVariant,
  AttentionVariant,
} from "../kernels/attention_variants.ts";
import type { KvType } from "../kernels/kv_cache.ts";
import { attentionTests } from "../kernels/verify/attention.ts";
import { checkKernel, type KernelCheck } from "../kernels/verify/variants.ts";
import { type KernelChoice, wrongKernels } from "./report.ts";

/** The attention of a model. */
export interface AttentionShape {
  /** Query heads. */
  heads: number;
  /** Key and value heads. */
  kvHeads: number;
  /** Head size. */
  headDim: number;
  /** Element type of the KV cache. */
  kv: KvType;
  /** Keys that a row sees. Defaults to `Infinity`: all. */
  slidingWindow?: number;
}

/** Keys that the tests' rows see where the model's do not see all. */
const TESTED_WINDOW = 150;

/** The variants of attention for a model, and what there is to say about them. */
export interface AttentionChoices {
  /** For several rows. */
  attention: AttentionVariant;
  /** For one row. */
  attentionStep: AttentionStepVariant;
  /** One entry each. */
  report: KernelChoice[];
}

/**
 * Chooses how attention runs: as the device prefers, unless that computes
 * something else than the reference.
 *
 * @param gpu The device.
 * @param shape The attention of the model.
 * @returns The choices.
 * @throws {Error} If no variant computes right results.
 */
export async function chooseAttention(
  gpu: Gpu,
  { heads, kvHeads, headDim, kv, slidingWindow = Infinity }: AttentionShape,
): Promise<AttentionChoices> {
  // As many query heads a key head as the model has, of two key heads.
  const few = {
    heads: 2 * heads / kvHeads,
    kvHeads: 2,
    headDim,
    // Some are left behind, and some parts are left.
    window: slidingWindow === Infinity ? Infinity : TESTED_WINDOW,
  };
  const tests = attentionTests(gpu, { heads: few, kvTypes: [kv] });
  const report: KernelChoice[] = [];
  const choose = async (kind: "attention" | "attention_step") => {
    const product = `${kind} ${heads}/${kvHeads}x${headDim} ${kv}`;
    const refused: KernelCheck[] = [];
    for (
      const { variant, name, run, limit } of tests.filter((test) =>
        test.kind === kind
      )
    ) {
      const check = await checkKernel(gpu, name, { test: run, limit });
      if (check.ok) {
        report.push({ product, variant, source: "untried", refused });
        return variant;
      }
      refused.push(check);
    }
    throw wrongKernels(gpu, product, refused);
  };
  const attention = await choose("attention") as AttentionVariant;
  const attentionStep = await choose("attention_step") as AttentionStepVariant;
  return { attention, attentionStep, report };
}
