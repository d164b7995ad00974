import type { Gpu } from "../gpu/gpu.ts";
import { MAX_STEPS } from "../kernels/batch.ts";
import type { ProductChoices } from "../kernels/choices.ts";
import type { Matrix } from "../kernels/matrix.ts";
import { checkVariant } from "../kernels/verify/variants.ts";
import { productKey, productsOf } from "./candidates.ts";
import { wrongKernels } from "./report.ts";

/**
 * Checks that several rows of the kind `"step"` come out as each does alone, in
 * the variants that a model runs.
 *
 * @param gpu The device.
 * @param matrices Every matrix that is multiplied with.
 * @param options The variants, and whether weights meet int8.
 * @throws {Error} If one differs in a bit.
 */
export async function checkSteps(
  gpu: Gpu,
  matrices: readonly Matrix[],
  { choices, int8 }: { choices: ProductChoices; int8: boolean },
): Promise<void> {
  const checked = new Set<string>();
  for (const [product] of productsOf(matrices, { int8 }).values()) {
    const { w, kind, int8 } = product!;
    if (kind === "prompt") continue;
    const variant = choices.matvec(w, { int8 });
    const key = JSON.stringify([w.codec.name, variant, int8]);
    if (checked.has(key)) continue;
    checked.add(key);
    const options = { variant, int8, steps: MAX_STEPS };
    const checks = await checkVariant(gpu, w.codec, options);
    const wrong = checks.filter(({ ok }) => !ok);
    if (wrong.length > 0) {
      throw wrongKernels(gpu, `guesses of ${productKey(product!)}`, wrong);
    }
  }
}
