import {
  bindBuffers,
  type Binding,
  compileKernel,
  grid,
  type KernelScope,
  workgroupSize,
} from "../gpu/kernel.ts";
import code from "./logprob.wgsl" with { type: "text" };

/** A token that the logits of a row are asked about. */
export interface LogprobJob {
  /** Row of the logits. */
  row: number;
  /** The token. */
  id: number;
}

/** What logits say of a token. */
export interface Logprob {
  /** Its natural log-probability among all tokens. */
  logprob: number;
  /** How many tokens are likelier; of equals, those with a lower id are. */
  rank: number;
}

/** Bytes of a job, and of its result. */
export const JOB_BYTES = 8;
export const RESULT_BYTES = 16;

/** Buffers of one {@linkcode LogprobKernel} dispatch. */
export interface LogprobBuffers {
  /** `[rows, stride]` f32. */
  logits: Binding;
  /** From {@linkcode jobWords}. */
  jobs: Binding;
  /** `[jobs]` vec4u, for {@linkcode readLogprobs}. */
  results: Binding;
  /** The first job and how many there are, uniform, 2 words. */
  range: Binding;
}

/** Options for {@linkcode createLogprob}. */
export interface LogprobOptions {
  /** Logits of a row. */
  stride: number;
  /** Tokens of the vocabulary, at most `stride`. */
  tokens: number;
}

/** Asks the logits of rows about tokens, without reading them all back. */
export interface LogprobKernel {
  /** Binds the kernel to fixed buffers; it is told how many jobs there are. */
  bind(
    buffers: LogprobBuffers,
  ): (pass: GPUComputePassEncoder, jobs: number) => void;
}

/**
 * Compiles log-softmax and rank of single tokens.
 *
 * @param scope The device and the owner of the parameters.
 * @param options The shape of the logits.
 * @returns The compiled kernel.
 */
export async function createLogprob(
  { gpu, pool }: KernelScope,
  { stride, tokens }: LogprobOptions,
): Promise<LogprobKernel> {
  const pipeline = await compileKernel(gpu, {
    label: "logprob",
    code: [code],
    constants: {
      // A row is long: many lanes load it at once, where they are cheap.
      WORKGROUP_SIZE: gpu.info.isFallbackAdapter ? workgroupSize(gpu) : 256,
    },
  });
  const params = pool.uniform([stride, tokens]);
  const limit = gpu.device.limits.maxComputeWorkgroupsPerDimension;
  return {
    bind({ logits, jobs, results, range }) {
      const bindings = [logits, jobs, results, params, range];
      const group = bindBuffers(gpu.device, pipeline, bindings);
      return (pass, count) => {
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group);
        pass.dispatchWorkgroups(...grid(count, limit));
      };
    },
  };
}

/** The words of jobs, as the kernel reads them. */
export function jobWords(
  jobs: readonly LogprobJob[],
): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(2 * jobs.length);
  for (const [i, { row, id }] of jobs.entries()) words.set([row, id], 2 * i);
  return words;
}

/**
 * Puts together what the kernel has left.
 *
 * @param results What it wrote, `[jobs]` vec4u.
 * @returns One a job.
 * @throws {Error} If a logit was not a number.
 */
export function readLogprobs(results: ArrayBuffer): Logprob[] {
  const floats = new Float32Array(results);
  const words = new Uint32Array(results);
  return Array.from({ length: words.length / 4 }, (_, i) => {
    const [most, sum, logit] = floats.subarray(4 * i, 4 * i + 3);
    const logprob = logit! - most! - Math.log(sum!);
    const rank = words[4 * i + 3]!;
    if (rank === NOT_A_NUMBER || !Number.isFinite(logprob)) {
      throw new Error(
        "Cannot score: the model computed NaN, `doctor` tests the GPU",
      );
    }
    return { logprob, rank };
  });
}

const NOT_A_NUMBER = 0xffffffff;
