import { BufferPool } from "../../gpu/buffers.ts";
import type { Gpu } from "../../gpu/gpu.ts";
import type { KernelScope } from "../../gpu/kernel.ts";
import type { FoldedNorm } from "../matvec.ts";
import { CODECS } from "../quant/codecs.ts";
import { attentionTests } from "./attention.ts";
import { COLS } from "./inputs.ts";
import {
  testEmbed,
  testMatmul,
  testMatvec,
  testMatvecSwiglu,
  testRmsNorm,
  testSwiglu,
} from "./products.ts";

/** How far a kernel is from the plain TypeScript reference on this device. */
export interface KernelCheck {
  /** The kernel and its variant. */
  kernel: string;
  /** Normalised mean squared error against the reference in f64. */
  error: number;
  /** Whether that is within what f32 arithmetic explains. */
  ok: boolean;
  /** Why it could not be run, where it could not. */
  problem?: string;
}

/** Most error of a kernel in f32; drivers that work stay below 1e-12. */
const LIMIT = 1e-7;

const NORM: FoldedNorm = { dim: COLS, eps: 1e-5 };

/**
 * Runs every kernel once on small random inputs and compares it with its
 * reference: some drivers compile a kernel and compute something else.
 *
 * @param gpu The device.
 * @returns One result a kernel variant; it never throws for a wrong one.
 */
export async function verifyKernels(gpu: Gpu): Promise<KernelCheck[]> {
  const results: KernelCheck[] = [];
  const run = async (
    kernel: string,
    test: (scope: KernelScope) => Promise<number>,
    limit = LIMIT,
  ) => {
    using pool = new BufferPool(gpu.device);
    let error = NaN;
    try {
      error = await test({ gpu, pool });
      results.push({ kernel, error, ok: error <= limit });
    } catch (cause) {
      const problem = cause instanceof Error ? cause.message : String(cause);
      results.push({ kernel, error, ok: false, problem });
    }
  };
  const reduce = gpu.subgroupSize > 0 ? "subgroups" : "no subgroups";
  for (const codec of CODECS.values()) {
    await run(`embed.${codec.name}`, (scope) => testEmbed(scope, codec));
    await run(
      `matvec.${codec.name} (${reduce})`,
      (scope) => testMatvec(scope, codec),
    );
    await run(
      `matvec_swiglu.${codec.name} (${reduce})`,
      (scope) => testMatvecSwiglu(scope, codec),
    );
    await run(
      `matvec_norm.${codec.name} (${reduce})`,
      (scope) => testMatvec(scope, codec, NORM),
    );
    await run(
      `matvec_swiglu_norm.${codec.name} (${reduce})`,
      (scope) => testMatvecSwiglu(scope, codec, NORM),
    );
    await run(`matmul.${codec.name}`, (scope) => testMatmul(scope, codec));
  }
  await run("rms_norm", testRmsNorm);
  await run("swiglu", testSwiglu);
  for (const { name, run: test, limit } of attentionTests(gpu)) {
    await run(name, test, limit);
  }
  return results;
}
