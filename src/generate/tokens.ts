import type { KvType } from "../kernels/kv_cache.ts";
import type { KvSnapshot } from "../model/kv_snapshot.ts";
import type { PromptProgress } from "../model/prompts.ts";
import type {
  EchoedToken,
  StepLogprobs,
  TokenIdLogprobOptions,
} from "./logprobs.ts";
import type { Grammar } from "../structure/grammar.ts";
import type { SamplerState, SamplingOptions } from "./sampler.ts";

/** What guesses the next tokens, so that several are computed at once. */
export type Speculation = "lookup" | "draft" | "off";

/** Options that say how tokens are computed, but not which. */
export interface ComputeOptions {
  /**
   * Tokens that the GPU computes before they are read back, from 1 to 64. Defaults
   * to as many as keep the stream smooth: 1 at first, then what takes about 20
   * ms. Where guesses are checked, that is read back each time.
   */
  steps?: number | undefined;
  /**
   * Where tokens are chosen: both choose the same ones. `"cpu"` reads the logits
   * of each step back. Defaults to `"gpu"`.
   */
  sampler?: "gpu" | "cpu" | undefined;
  /**
   * What guesses the next tokens, which are then checked at once: `"lookup"`
   * looks for the last few in the text before them, `"draft"` asks the model's
   * draft model. The text stays the same. The first generation that looks up
   * compiles kernels for it, which counts as its prefill. Defaults to `"draft"`
   * where the model has one and tokens are chosen on the GPU, else to `"off"`.
   */
  speculation?: Speculation | undefined;
  /**
   * Whether a prompt that begins like one before it runs only from there on. The
   * text stays the same. Defaults to `true`.
   */
  reuse?: boolean | undefined;
  /** Called after each batch of a prompt. */
  onPrompt?: ((progress: PromptProgress) => void) | undefined;
}

/** Options for {@linkcode TokenSource.generate}. */
export interface TokenOptions
  extends ComputeOptions, SamplingOptions, TokenIdLogprobOptions {
  /** Most tokens to generate. */
  maxTokens: number;
  /**
   * How many tokens run as a prompt: those behind them were chosen by a
   * generation, and run as the steps that they were. Defaults to all.
   */
  promptLength?: number | undefined;
  /** Tokens that were chosen with this seed before. Defaults to 0. */
  firstStep?: number | undefined;
  /** What samplers know by then. Defaults to nothing. */
  samplerState?: SamplerState | undefined;
  /** The timeline whose KV cache it goes on with. Defaults to any. */
  timeline?: number | undefined;
  /** What the text is held to. Defaults to nothing. */
  grammar?: Grammar | undefined;
  /** Stops the generation. */
  signal?: AbortSignal | undefined;
}

/** How well guesses went. */
export interface SpeculationStatistics {
  /** Passes that checked guesses. */
  passes: number;
  /** Tokens that were guessed. */
  guessed: number;
  /** Of those, guesses that were right. */
  accepted: number;
}

/** Tokens that were read back at once. */
export interface TokenChunk {
  /** Their ids. */
  ids: number[];
  /** Log-probability of each, where they are wanted. */
  logprobs?: number[];
  /** What else the model says of the place of each, where it is wanted. */
  steps?: StepLogprobs[];
  /** With the first chunk: the prompt, where it is wanted. */
  echoed?: EchoedToken[];
  /** With the first chunk: tokens of the prompt that were there already. */
  reused?: number;
  /** Guesses so far, where there are any. */
  speculation?: SpeculationStatistics;
  /** What samplers know behind it, where the CPU chooses. */
  samplerState?: SamplerState;
  /** Whether the text is complete, where no token says so. */
  isComplete?: true;
}

/** Tokens in, tokens out: a model in this thread or in another one. */
export interface TokenSource {
  /** Positions that a sequence can have. */
  readonly contextLength: number;
  /** Milliseconds that loading the model took. */
  readonly loadMs: number;
  /**
   * Continues a prompt. The first chunk comes when the prompt is done, with its
   * first token, or with none where `maxTokens` is 0; leaving the loop ends it.
   */
  generate(
    ids: readonly number[],
    options: TokenOptions,
  ): AsyncGenerator<TokenChunk, void>;
}

/** A model that keeps timelines: KV caches that are their owners' alone. */
export interface TimelineSource extends TokenSource {
  /** Tells the model's file apart from others. */
  readonly fingerprint: string;
  /** Element type of the KV cache. */
  readonly kv: KvType;
  /**
   * Opens a timeline, for `TokenOptions.timeline`.
   *
   * @param snapshot What is in it. Defaults to nothing.
   * @returns Its number.
   */
  openTimeline(snapshot?: KvSnapshot): Promise<number>;
  /** Copies a timeline, which nobody may use meanwhile. */
  forkTimeline(timeline: number): Promise<number>;
  /** Copies the KV cache of a timeline, which nobody may use meanwhile. */
  readTimeline(timeline: number): Promise<KvSnapshot>;
  /** Closes a timeline and frees its cache. */
  closeTimeline(timeline: number): Promise<void>;
}
