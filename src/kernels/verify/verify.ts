import type { Gpu } from "../../gpu/gpu.ts";
import type { KernelScope } from "../../gpu/kernel.ts";
import { nextTurn } from "../../gpu/next_turn.ts";
import type { Codec } from "../quant/codec.ts";
import { CODECS } from "../quant/codecs.ts";
import { attentionTests } from "./attention.ts";
import { testEmbed, testRmsNorm, testSwiglu } from "./layers.ts";
import { testArgmax, testBias, testSample } from "./sample.ts";
import { testLogprob } from "./logprob.ts";
import { matmulVariants, matvecVariants } from "../variants.ts";
import {
  checkKernel,
  checkVariant,
  F32_LIMIT,
  type KernelCheck,
} from "./variants.ts";

/** One format of each kind, whose products are tested in all of their forms. */
export const FORMS_OF: readonly string[] = ["F32", "Q4_0"];

/** Rows that run together: more of them are checked where a model needs them. */
const STEPS = 2;

/** Options for {@linkcode verifyKernels}. */
export interface VerifyOptions {
  /** The formats of weights. Defaults to all. */
  codecs?: Iterable<Codec>;
  /** Stops it between two kernels. */
  signal?: AbortSignal | undefined;
}

/**
 * Runs every kernel once on small random inputs and compares it with its
 * reference: some drivers compile a kernel and compute something else.
 *
 * @param gpu The device.
 * @param options What is verified.
 * @returns One result a kernel variant; it never throws for a wrong one.
 */
export async function verifyKernels(
  gpu: Gpu,
  { codecs = CODECS.values(), signal }: VerifyOptions = {},
): Promise<KernelCheck[]> {
  const results: KernelCheck[] = [];
  const run = async (
    kernel: string,
    test: (scope: KernelScope) => Promise<number>,
    limit = F32_LIMIT,
  ) => {
    await nextTurn(); // an abort may be waiting for one
    signal?.throwIfAborted();
    results.push(await checkKernel(gpu, kernel, { test, limit }));
  };
  for (const codec of codecs) {
    await run(`embed.${codec.name}`, (scope) => testEmbed(scope, codec));
    const plain = !FORMS_OF.includes(codec.name);
    for (const { variant, int8 } of untried(gpu, codec)) {
      const steps = plain ? 1 : STEPS;
      const options = { variant, int8, plain, steps };
      results.push(...await checkVariant(gpu, codec, options));
    }
  }
  await run("rms_norm", testRmsNorm);
  await run("swiglu", testSwiglu);
  await run("argmax", testArgmax);
  await run("sample", testSample);
  await run("logprob", testLogprob);
  await run("bias", testBias);
  for (const headDim of [64, 128]) {
    const heads = { heads: 4, kvHeads: 2, headDim };
    for (const { name, run: test, limit } of attentionTests(gpu, { heads })) {
      await run(`${name} (heads of ${headDim})`, test, limit);
    }
  }
  return results;
}

/** The variants of a format's products that are taken untried. */
function untried(gpu: Gpu, { quantized }: Codec) {
  const w = { blocks: 160 }; // rows of llama13b
  return (quantized ? [false, true] : [false]).flatMap((int8) => [
    { variant: matvecVariants(gpu, w, { int8 })[0]!, int8 },
    { variant: matmulVariants(gpu, { int8 })[0]!, int8 },
  ]);
}
