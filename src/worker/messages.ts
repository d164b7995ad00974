import type { LoadModelOptions } from "../engine/load_options.ts";
import type { MemoryPlan } from "../engine/plan.ts";
import type { LogitsContext } from "../generate/samplers/options.ts";
import type {
  ContinuationIdOptions,
  ContinuationScore,
} from "../generate/continuations.ts";
import type { Score, ScoreOptions } from "../generate/score.ts";
import type { TokenChunk, TokenOptions } from "../generate/tokens.ts";
import type { KvType } from "../kernels/kv_cache.ts";
import type { LlamaConfig } from "../model/config.ts";
import type { KvSnapshot } from "../model/kv_snapshot.ts";
import type { PromptProgress } from "../model/prompts.ts";
import type { LoadProgress } from "../model/upload.ts";
import type { ModelInput } from "../sources/input.ts";
import type { DownloadOptions, DownloadProgress } from "../sources/options.ts";
import type { KernelChoice } from "../tune/report.ts";
import type { SentError } from "./errors.ts";

// Two threads, and between them only what can be cloned. Each call has a number;
// a call ends with exactly one "end" or "error", behind which nothing of it is
// left in the worker.

/** A model input; a URL goes as its text. Streams are kept in a file before. */
export type SentInput =
  | Exclude<ModelInput, URL | ReadableStream>
  | { url: string };

/** Options of {@linkcode loadModel} without what stays in its thread. */
export type SentLoadOptions = Omit<
  LoadModelOptions,
  "onProgress" | "signal" | "draft" | "worker" | "download"
>;

/** How a worker downloads, without what stays in its thread. */
export type SentDownload = Omit<DownloadOptions, "onProgress">;

/** Options of a generation without what stays in its thread. */
export type SentTokenOptions = Omit<
  TokenOptions,
  "onLogits" | "onPrompt" | "signal"
>;

/** Options of a score without what stays in its thread. */
export type SentScoreOptions = Omit<ScoreOptions, "signal">;

/** What a worker can do, and what it needs to know for it. */
export type Work =
  | {
    /** Loads the one model of the worker, before all else. */
    kind: "load";
    input: SentInput;
    draft: SentInput | undefined;
    options: SentLoadOptions;
    download?: SentDownload;
  }
  | {
    kind: "generate";
    ids: readonly number[];
    options: SentTokenOptions;
    /** Whether the other thread changes the logits of each step. */
    isHooked?: boolean;
  }
  | { kind: "score"; ids: readonly number[]; options: SentScoreOptions }
  | {
    kind: "scoreContinuations";
    prefix: readonly number[];
    continuations: readonly (readonly number[])[];
    options: Omit<ContinuationIdOptions, "signal">;
  }
  | { kind: "openTimeline"; snapshot: KvSnapshot | undefined }
  | {
    kind: "forkTimeline" | "readTimeline" | "closeTimeline";
    timeline: number;
  }
  | { kind: "dispose" };

/** What a kind of work comes to. */
export interface WorkResults {
  load: EngineFacts;
  /** Its chunks have been sent before. */
  generate: undefined;
  score: Score;
  scoreContinuations: ContinuationScore[];
  openTimeline: number;
  forkTimeline: number;
  readTimeline: KvSnapshot;
  closeTimeline: undefined;
  dispose: undefined;
}

/** What of an engine does not change once it is loaded. */
export interface EngineFacts {
  config: LlamaConfig;
  contextLength: number;
  device: string;
  kernels: readonly KernelChoice[];
  hasDraft: boolean;
  fingerprint: string;
  kv: KvType;
  plan: MemoryPlan;
}

/** A message to the worker. */
export type WorkerRequest =
  & { call: number }
  & (
    | { kind: "start"; work: Work }
    /** The reader wants one chunk more; it wants the first one at the start. */
    | { kind: "more" }
    /** The hook is done with the logits of a step. */
    | { kind: "logits"; logits: Float32Array }
    /** The call is to end as soon as it can. */
    | { kind: "stop" }
  );

/** A message from the worker. */
export type WorkerReply =
  & {
    call: number;
    /** Bytes of GPU memory in use when it was sent. */
    gpuBytes: number;
  }
  & (
    | { kind: "progress"; progress: LoadProgress | PromptProgress }
    | { kind: "download"; progress: DownloadProgress }
    | { kind: "chunk"; chunk: TokenChunk }
    /** The logits of a step, for the hook. */
    | { kind: "logits"; logits: Float32Array; context: LogitsContext }
    | { kind: "end"; value: WorkResults[keyof WorkResults] }
    | { kind: "error"; error: SentError }
  );
