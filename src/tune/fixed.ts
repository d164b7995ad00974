import type { Gpu } from "../gpu/gpu.ts";
import type { Codec } from "../kernels/quant/codec.ts";
import {
  testEmbed,
  testRmsNorm,
  testSwiglu,
} from "../kernels/verify/layers.ts";
import { testLogprob } from "../kernels/verify/logprob.ts";
import { testArgmax, testSample } from "../kernels/verify/sample.ts";
import { checkKernel } from "../kernels/verify/variants.ts";
import { wrongKernels } from "./report.ts";

/**
 * Checks the kernels that come in one variant.
 *
 * @param gpu The device.
 * @param embedding The format of the embedding.
 * @throws {Error} If one computes wrong results.
 */
export async function checkFixed(gpu: Gpu, embedding: Codec): Promise<void> {
  const checks = [
    await checkKernel(gpu, `embed.${embedding.name}`, {
      test: (scope) => testEmbed(scope, embedding),
    }),
    await checkKernel(gpu, "rms_norm", { test: testRmsNorm }),
    await checkKernel(gpu, "swiglu", { test: testSwiglu }),
    await checkKernel(gpu, "argmax", { test: testArgmax }),
    await checkKernel(gpu, "sample", { test: testSample }),
  ];
  const wrong = checks.filter(({ ok }) => !ok);
  if (wrong.length > 0) throw wrongKernels(gpu, "a model", wrong);
}

/**
 * Checks the kernel that scores need besides, and generations do not.
 *
 * @param gpu The device.
 * @throws {Error} If it computes wrong results.
 */
export async function checkLogprob(gpu: Gpu): Promise<void> {
  const check = await checkKernel(gpu, "logprob", { test: testLogprob });
  if (!check.ok) throw wrongKernels(gpu, "a score", [check]);
}
