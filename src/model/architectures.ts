import type { GgufFile } from "../gguf/reader.ts";
import type { KernelScope } from "../gpu/kernel.ts";
import { getString } from "../gguf/metadata.ts";
import { type LlamaConfig, readConfig } from "./config.ts";
import { createLlama, type CreateLlamaOptions, type Llama } from "./llama.ts";
import type { RopeScalingOptions } from "./rope.ts";
import { findTensors, type LlamaTensors } from "./tensors.ts";

/**
 * What a model's architecture brings, one function a stage of loading. All else
 * (upload, sequences, sampling, text) is the same for each.
 */
export interface Architecture {
  /** Reads and checks the hyperparameters. */
  readConfig(file: GgufFile, rope?: RopeScalingOptions): LlamaConfig;
  /** Finds and checks the tensors, and refuses those it would ignore. */
  findTensors(file: GgufFile, config: LlamaConfig): LlamaTensors;
  /** Compiles the forward pass and binds it to weights and activations. */
  create(scope: KernelScope, options: CreateLlamaOptions): Promise<Llama>;
}

/**
 * The architectures by `general.architecture`. `"llama"` is what converters call
 * Llama 1, 2 and 3, Mistral 7B (with its `attention.sliding_window`), and the many
 * models of the same layers: TinyLlama, Yi, SmolLM, DeepSeek LLM and Coder 1.
 *
 * A new one is a row here: its config and tensors in files of their own, and a
 * `create()` whose forward pass reads like the architecture. Types named after
 * Llama are what the engine asks of any; where another needs more, widen them.
 */
const ARCHITECTURES: ReadonlyMap<string, Architecture> = new Map([
  ["llama", { readConfig, findTensors, create: createLlama }],
]);

/**
 * The architecture of a file.
 *
 * @param file The file's header.
 * @returns What loads it.
 * @throws {Error} If there is none.
 */
export function architectureOf({ label, metadata }: GgufFile): Architecture {
  const name = getString(metadata, "general.architecture");
  const architecture = ARCHITECTURES.get(name ?? "");
  if (architecture !== undefined) return architecture;
  const known = Array.from(ARCHITECTURES.keys(), (key) => `"${key}"`);
  throw new Error(
    `Cannot load "${label}": its architecture is ${
      name === undefined ? "missing" : `"${name}"`
    }, ${known.join(" or ")} is wanted`,
  );
}
