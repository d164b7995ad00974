/**
 * Seraph runs Llama-family GGUF models on WebGPU from pure TypeScript, in Deno.
 *
 * ```ts
 * import { loadModel } from "@seraph/seraph";
 *
 * await using model = await loadModel("models/tiny-archangel-q8_0.gguf");
 * const chat = model.chat([{ role: "user", content: "Hi!" }], {
 *   control: "good",
 *   maxTokens: 128,
 * });
 * for await (const { text } of chat) {
 *   await Deno.stdout.write(new TextEncoder().encode(text));
 * }
 * ```
 *
 * @module
 */

export type { CaseOptions, KernelShape } from "./src/bench/cases.ts";
export type { Ceilings } from "./src/bench/ceilings.ts";
export {
  benchmarkKernels,
  type KernelBenchmarkOptions,
} from "./src/bench/kernel_benchmark.ts";
export type { VariantChoice } from "./src/bench/products.ts";
export type { Distribution } from "./src/bench/statistics.ts";
export type { TimingMethod } from "./src/bench/timer.ts";
export type { KernelTiming } from "./src/bench/timing.ts";
export type { ChatFormat, ConcreteChatFormat } from "./src/chat/format.ts";
export type { MarkerMode } from "./src/chat/markers.ts";
export type { ChatMessage, ChatRole } from "./src/chat/messages.ts";
export type { RenderChatOptions, RenderedChat } from "./src/chat/render.ts";
export { renderChat } from "./src/chat/render.ts";
export type {
  ToolCall,
  ToolChoice,
  ToolDefinition,
  ToolOptions,
} from "./src/chat/tools.ts";
export type {
  ConvertedTensor,
  ConvertOptions,
  ConvertProgress,
  ConvertResult,
} from "./src/convert/options.ts";
export { convertCheckpoint } from "./src/convert_checkpoint.ts";
export {
  benchmarkModel,
  type BenchmarkOptions,
  type BenchmarkResult,
} from "./src/engine/benchmark.ts";
export type { DecodeCost } from "./src/engine/decode_cost.ts";
export {
  diagnose,
  type DiagnoseOptions,
  type Diagnosis,
} from "./src/engine/diagnose.ts";
export {
  type InspectedTensor,
  type Inspection,
  inspectModel,
  type InspectOptions,
  loadTokenizer,
} from "./src/engine/inspect.ts";
export type {
  MemoryPlan,
  PlanAlternative,
  PlannedDevice,
} from "./src/engine/plan.ts";
export { ModelMemoryError } from "./src/engine/plan_error.ts";
export { planModel, type PlanModelOptions } from "./src/engine/plan_model.ts";
export { formatPlan } from "./src/engine/plan_table.ts";
export type {
  LoadModelOptions,
  PackedType,
} from "./src/engine/load_options.ts";
export { Model } from "./src/engine/model.ts";
export type {
  ChatFormatOptions,
  ChatOptions,
  GenerateObjectOptions,
  GenerateTextOptions,
  ObjectOf,
} from "./src/engine/model_options.ts";
export {
  type ModelProfile,
  type ProfileEntry,
  profileModel,
  type ProfileOptions,
} from "./src/engine/profile.ts";
export type { GenerationEvent } from "./src/generate/events.ts";
export { Generation } from "./src/generate/generation.ts";
export type { TokenLogit } from "./src/generate/logits.ts";
export type {
  EchoedToken,
  LogprobOptions,
  StepLogprobs,
} from "./src/generate/logprobs.ts";
export type {
  ContinuationOptions,
  ContinuationScore,
  ContinuationToken,
} from "./src/generate/continuations.ts";
export {
  ObjectGeneration,
  type ObjectResult,
} from "./src/generate/object_generation.ts";
export type { GenerateOptions } from "./src/generate/options.ts";
export type {
  FinishReason,
  GenerationResult,
  Piece,
  PromptToken,
  Timings,
  Usage,
} from "./src/generate/result.ts";
export type {
  ComputeOptions,
  Speculation,
  SpeculationStatistics,
} from "./src/generate/tokens.ts";
export type { PromptProgress } from "./src/model/prompts.ts";
export type {
  LlamaCppSamplerName,
  LogitBias,
  LogitsContext,
  LogitsHook,
  SamplerName,
  SamplingOptions,
} from "./src/generate/samplers/options.ts";
export {
  SAMPLING_PRESETS,
  type SamplingPreset,
} from "./src/generate/samplers/presets.ts";
export type { Score, ScoredToken, ScoreOptions } from "./src/generate/score.ts";
export type { Metadata, MetadataValue } from "./src/gguf/metadata.ts";
export { formatBytes, GpuMemoryError } from "./src/gpu/buffers.ts";
export type { RequestGpuOptions } from "./src/gpu/gpu.ts";
export { KernelCompileError } from "./src/gpu/kernel.ts";
export type { LedgerDevice } from "./src/gpu/ledger.ts";
export type { RowKind } from "./src/kernels/batch.ts";
export type { Activations } from "./src/kernels/choices.ts";
export type { KernelCheck } from "./src/kernels/verify/variants.ts";
export type { KvType } from "./src/kernels/kv_cache.ts";
export type {
  RopeScaling,
  RopeScalingType,
} from "./src/kernels/rope_scaling.ts";
export type { LlamaConfig } from "./src/model/config.ts";
export type { ModelPlan, PlannedWeights } from "./src/model/memory_plan.ts";
export type { RopeScalingOptions } from "./src/model/rope.ts";
export type { LoadProgress, Staging } from "./src/model/upload.ts";
export type { QuantizeMixOptions } from "./src/quantize/plan.ts";
export type {
  QuantizeDevice,
  QuantizeDeviceUse,
} from "./src/quantize/devices.ts";
export { quantizeFile } from "./src/quantize/quantize.ts";
export type {
  QuantizedTensor,
  QuantizeFileOptions,
  QuantizeResult,
} from "./src/quantize/quantize_file.ts";
export type { QuantizeProgress } from "./src/quantize/write_tensors.ts";
export {
  ktoBaseline,
  ktoLoss,
  type KtoOptions,
  mismatchedExamples,
} from "./src/reward/kto.ts";
export type {
  Reward,
  RewardExample,
  RewardOptions,
} from "./src/reward/reward.ts";
export { Session, type SessionOptions } from "./src/session/session.ts";
export type { SessionCallOptions } from "./src/session/session_file.ts";
export type { OnFull } from "./src/session/session_source.ts";
export type { PreTokenizer } from "./src/tokenizer/pre_tokenizers.ts";
export { encodePrompt, type PromptInput } from "./src/prompt/encode.ts";
export {
  formatPromptLint,
  type LintedToken,
  type LintModel,
  lintPrompt,
  type LintPromptOptions,
  type LintWarning,
  type LintWarningCode,
  type PromptLint,
} from "./src/prompt/lint.ts";
export {
  Prompt,
  prompt,
  PromptPart,
  type PromptPartKind,
  type PromptValue,
  raw,
  special,
  tokenIds,
} from "./src/prompt/prompt.ts";
export type {
  EbnfGrammar,
  Grammar,
  JsonGrammar,
  RegexGrammar,
} from "./src/structure/grammar.ts";
export type { JsonSchema } from "./src/structure/schema.ts";
export type {
  StandardIssue,
  StandardResult,
  StandardSchema,
} from "./src/structure/standard_schema.ts";
export {
  type VerifiedFile,
  verifyCache,
  type VerifyCacheOptions,
} from "./src/sources/cache_check.ts";
export {
  type CachedFile,
  type CacheOptions,
  listCache,
} from "./src/sources/cache_list.ts";
export {
  pruneCache,
  type PruneCacheOptions,
  type PruneCriteria,
} from "./src/sources/cache_prune.ts";
export {
  type DownloadedModel,
  downloadModel,
} from "./src/sources/download_model.ts";
export type { ModelInput } from "./src/sources/input.ts";
export type {
  DownloadModelOptions,
  DownloadOptions,
  DownloadProgress,
} from "./src/sources/options.ts";
export {
  TokenStream,
  type TokenStreamOptions,
} from "./src/tokenizer/token_stream.ts";
export {
  type DecodeOptions,
  type EncodeOptions,
  type EncodePartsOptions,
  Tokenizer,
} from "./src/tokenizer/tokenizer.ts";
export type {
  ByteLevel,
  TokenType,
  Vocabulary,
} from "./src/tokenizer/vocabulary.ts";
export type { TunedProduct } from "./src/tune/cache.ts";
export type { TuneMode } from "./src/tune/mode.ts";
export type { KernelChoice } from "./src/tune/report.ts";
export { loadModel } from "./src/load_model.ts";
