import { InvalidArgumentError, Option } from "commander";
import type {
  Activations,
  ComputeOptions,
  GenerateOptions,
  KvType,
  LoadModelOptions,
  TuneMode,
} from "../mod.ts";
import { QUANTIZATION_TYPES, quantizationType } from "../src/quantize/types.ts";
import { type RopeFlags, ropeOptions, toRopeOptions } from "./rope_options.ts";

/** Parses an integer from `least` to `most`. */
export function integer(
  least = 0,
  most = Infinity,
): (text: string) => number {
  const inRange = number(least, most);
  return (text) => {
    const value = inRange(text);
    if (/^\s*-?\d+\s*$/.test(text)) return value;
    throw new InvalidArgumentError("An integer is wanted.");
  };
}

/** Parses a number from `least` to `most`. */
export function number(
  least = 0,
  most = Infinity,
): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === "" || !(value >= least && value <= most)) {
      const range = most === Infinity
        ? `from ${least} on`
        : `from ${least} to ${most}`;
      throw new InvalidArgumentError(`A number ${range} is wanted.`);
    }
    return value;
  };
}

/** Parses `1,2,3`, with any white space. */
export function integers(text: string): number[] {
  const parse = integer();
  return text.split(/[\s,]+/).filter((part) => part !== "").map(parse);
}

/** Keeps what a file can be quantized to, such as `q4_k_m`. */
export function quantization(text: string): string {
  try {
    quantizationType(text);
    return text;
  } catch {
    throw noneOf(QUANTIZATION_TYPES.map(({ name }) => name));
  }
}

/** Keeps what a tensor can be quantized to, such as `q4_k`. */
export function blockFormat(text: string): string {
  const formats = new Set(QUANTIZATION_TYPES.map(({ format }) => format));
  if (formats.has(text.toUpperCase())) return text;
  throw noneOf([...formats]);
}

function noneOf(names: readonly string[]): InvalidArgumentError {
  return new InvalidArgumentError(`One of ${names.join(", ")} is wanted.`);
}

/** Collects the values of an option that can be given more than once. */
export function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}

/** What every command takes as a model. */
export const MODEL = "GGUF file, http(s) URL or hf:owner/repo[/file][:quant]";

/** `--json` */
export function jsonOption(): Option {
  return new Option("--json", "print one JSON document");
}

/** What the options of {@linkcode loadOptions} parse to. */
export interface LoadFlags extends RopeFlags {
  /** Positions of a conversation. */
  context?: number;
  /** Element type of the KV cache. */
  kv?: KvType;
  /** What weights are quantized to while they are loaded. */
  as?: LoadModelOptions["as"];
  /** Prompt tokens that run in one step. */
  batch?: number;
  /** What weights are multiplied with. */
  activations?: Activations;
  /** Whether kernel variants are measured. */
  tune?: TuneMode;
  /** `false` for kernels without subgroups. */
  subgroups?: boolean;
  /** File of the draft model. */
  draft?: string;
  /** Whether the model runs in a worker. */
  worker?: boolean;
}

/** The options of commands that load a model. */
export function loadOptions(): Option[] {
  return [
    new Option("--context <n>", "positions of the KV cache")
      .argParser(integer(1)),
    new Option("--kv <type>", "element type of the KV cache")
      .choices(["f16", "f32", "q8_0"]),
    new Option("--as <type>", "quantize an F16, BF16 or F32 file at load")
      .choices(["q4_0", "q4_k", "q8_0"]),
    new Option("--batch <n>", "prompt tokens in one step")
      .argParser(integer(1)),
    new Option("--activations <type>", "what weights are multiplied with")
      .choices(["f32", "int8"]),
    new Option("--tune <mode>", "whether kernel variants are measured at load")
      .choices(["off", "cached", "force"]),
    new Option("--no-subgroups", "use the kernels without subgroups"),
    new Option("--draft <model>", "smaller model that guesses tokens"),
    new Option("--worker", "run the model in a worker"),
    ...ropeOptions(),
  ];
}

/** The options of {@linkcode loadModel} that the flags stand for. */
export function toLoadOptions(
  flags: LoadFlags,
): LoadModelOptions {
  const { context, kv, as, batch, activations, tune, subgroups } = flags;
  const { draft, worker } = flags;
  return {
    ...(context !== undefined && { contextLength: context }),
    ...(kv !== undefined && { kv }),
    ...(as !== undefined && { as }),
    ...(batch !== undefined && { batchSize: batch }),
    ...(activations !== undefined && { activations }),
    ...(tune !== undefined && { tune }),
    ...(subgroups !== undefined && { subgroups }),
    ...(draft !== undefined && { draft }),
    ...(worker !== undefined && { worker }),
    ...toRopeOptions(flags),
  };
}

/** What the options of {@linkcode generateOptions} parse to. */
export interface GenerateFlags
  extends Pick<ComputeOptions, "steps" | "sampler" | "speculation"> {
  /** Most tokens to generate. */
  maxTokens?: number;
  /** Strings that end the answer. */
  stop?: string[];
  /** Whether to go on after the end. */
  ignoreEos?: boolean;
}

/** The options of commands that generate text. */
export function generateOptions(): Option[] {
  return [
    new Option("--max-tokens <n>", "most tokens to generate")
      .argParser(integer()),
    new Option("--stop <text>", "end the answer here; can be repeated")
      .argParser(collect),
    new Option("--ignore-eos", "go on after the end of the text"),
    new Option("--speculation <kind>", "what guesses the next tokens")
      .choices(["lookup", "draft", "off"]),
    new Option("--steps <n>", "tokens that are computed before they are read")
      .argParser(integer(1, 64)),
    new Option("--sampler <where>", "where tokens are chosen")
      .choices(["gpu", "cpu"]),
  ];
}

/** The options of a generation that the flags stand for. */
export function toGenerateOptions(
  flags: GenerateFlags,
  signal: AbortSignal,
): GenerateOptions {
  return {
    signal,
    maxTokens: flags.maxTokens,
    stop: flags.stop,
    ignoreEos: flags.ignoreEos,
    speculation: flags.speculation,
    steps: flags.steps,
    sampler: flags.sampler,
  };
}
