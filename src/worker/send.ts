import type { LoadModelOptions } from "../engine/load_options.ts";
import type { TokenOptions } from "../generate/tokens.ts";
import type { ModelInput } from "../sources/input.ts";
import type { DownloadOptions } from "../sources/options.ts";
import type {
  SentDownload,
  SentInput,
  SentLoadOptions,
  SentTokenOptions,
} from "./messages.ts";

// By name, so that nothing that cannot be cloned comes along; the compiler tells
// where a new option is missing.
const LOAD_OPTIONS: Record<keyof SentLoadOptions, true> = {
  activations: true,
  as: true,
  batchSize: true,
  contextLength: true,
  keptCaches: true,
  kv: true,
  kvMemory: true,
  powerPreference: true,
  rope: true,
  subgroups: true,
  tune: true,
};

const TOKEN_OPTIONS: Record<keyof SentTokenOptions, true> = {
  firstStep: true,
  echo: true,
  bannedTokens: true,
  dryAllowedLength: true,
  dryBase: true,
  dryMultiplier: true,
  dryPenaltyLastN: true,
  drySequenceBreakers: true,
  dynatempExponent: true,
  dynatempRange: true,
  frequencyPenalty: true,
  logitBias: true,
  grammar: true,
  logprobs: true,
  maxTokens: true,
  minKeep: true,
  minP: true,
  mirostat: true,
  mirostatEta: true,
  mirostatTau: true,
  presencePenalty: true,
  promptLength: true,
  preset: true,
  repeatLastN: true,
  repeatPenalty: true,
  reuse: true,
  sampler: true,
  samplers: true,
  samplerState: true,
  seed: true,
  speculation: true,
  steps: true,
  temperature: true,
  timeline: true,
  tokenLogprobs: true,
  topK: true,
  topLogprobs: true,
  topNSigma: true,
  topP: true,
  typicalP: true,
  xtcProbability: true,
  xtcThreshold: true,
};

const DOWNLOAD_OPTIONS: Record<keyof SentDownload, true> = {
  cacheDir: true,
  offline: true,
  sha256: true,
};

/** The options of a download that go to the worker. */
export function packDownload(options: DownloadOptions = {}): SentDownload {
  return pick(options, DOWNLOAD_OPTIONS);
}

/** The options of a load that go to the worker. */
export function packLoadOptions(options: LoadModelOptions): SentLoadOptions {
  return pick(options, LOAD_OPTIONS);
}

/** The options of a generation that go to the worker. */
export function packTokenOptions(options: TokenOptions): SentTokenOptions {
  return pick(options, TOKEN_OPTIONS);
}

function pick<T extends object, K extends keyof T>(
  options: T,
  keys: Record<K, true>,
): Pick<T, K> {
  const names = Object.keys(keys) as K[];
  return Object.fromEntries(
    names.filter((name) => options[name] !== undefined)
      .map((name) => [name, options[name]]),
  ) as Pick<T, K>;
}

/**
 * Packs a model input for the worker.
 *
 * @param input The input.
 * @returns What is sent, bytes as a copy: those of the caller stay its own.
 */
export function packInput(
  input: Exclude<ModelInput, ReadableStream>,
): SentInput {
  if (input instanceof URL) return { url: input.href };
  // Cloning a part of a buffer would take the whole buffer along.
  return input instanceof Uint8Array ? new Uint8Array(input) : input;
}

/** The buffers of inputs that can be handed over, as they are copies. */
export function buffersOf(
  ...inputs: readonly (SentInput | undefined)[]
): ArrayBuffer[] {
  return inputs.flatMap((input) =>
    input instanceof Uint8Array ? [input.buffer as ArrayBuffer] : []
  );
}

/** The model input that {@linkcode packInput} has packed. */
export function unpackInput(sent: SentInput): ModelInput {
  const isUrl = typeof sent === "object" && "url" in sent;
  return isUrl ? new URL(sent.url) : sent;
}
