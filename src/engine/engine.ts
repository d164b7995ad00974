import type {
  ContinuationIdOptions,
  ContinuationScore,
} from "../generate/continuations.ts";
import type { Score, ScoreOptions } from "../generate/score.ts";
import type { TimelineSource } from "../generate/tokens.ts";
import type { LlamaConfig } from "../model/config.ts";
import type { KernelChoice } from "../tune/report.ts";
import type { MemoryPlan } from "./plan.ts";

/**
 * A model on a GPU, in this thread or in another: tokens in, tokens out. It
 * never sees text.
 */
export interface Engine extends TimelineSource, AsyncDisposable {
  /** The hyperparameters, from the file. */
  readonly config: LlamaConfig;
  /** The adapter's description of itself. */
  readonly device: string;
  /** Bytes of GPU memory in use, KV caches included. */
  readonly gpuBytes: number;
  /** The plan that it was loaded by. */
  readonly plan: MemoryPlan;
  /** Which variants of kernels the model runs, and why. */
  readonly kernels: readonly KernelChoice[];
  /** Whether it has a draft model. */
  readonly hasDraft: boolean;
  /** See `Model.score()`; the ids have been checked. */
  score(ids: readonly number[], options: ScoreOptions): Promise<Score>;
  /** The same of what continues a prefix of at least one token, and fits. */
  scoreContinuations(
    prefix: readonly number[],
    continuations: readonly (readonly number[])[],
    options: ContinuationIdOptions,
  ): Promise<ContinuationScore[]>;
}
