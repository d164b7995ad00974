import type { GgufFile, TensorInfo } from "../gguf/reader.ts";
import { CODECS } from "../kernels/quant/codecs.ts";
import type { LlamaConfig } from "./config.ts";

/** The tensors of one layer, by their names in the file. */
export interface LayerTensors {
  /** `[dim]` */
  readonly attnNorm: TensorInfo;
  /** `[heads * headDim, dim]` */
  readonly attnQ: TensorInfo;
  /** `[kvHeads * headDim, dim]` */
  readonly attnK: TensorInfo;
  /** `[kvHeads * headDim, dim]` */
  readonly attnV: TensorInfo;
  /** `[dim, heads * headDim]` */
  readonly attnOutput: TensorInfo;
  /** `[dim]` */
  readonly ffnNorm: TensorInfo;
  /** `[hiddenDim, dim]` */
  readonly ffnGate: TensorInfo;
  /** `[hiddenDim, dim]` */
  readonly ffnUp: TensorInfo;
  /** `[dim, hiddenDim]` */
  readonly ffnDown: TensorInfo;
}

/** Every tensor of a Llama, found in the file and checked. */
export interface LlamaTensors {
  /** `[vocabularySize, dim]` */
  readonly tokenEmbd: TensorInfo;
  /** `[dim]` */
  readonly outputNorm: TensorInfo;
  /** `[vocabularySize, dim]`; `undefined` where the head is the embedding. */
  readonly output: TensorInfo | undefined;
  /** `[ropeDims / 2]`, divisors of the rotary frequencies, where there are. */
  readonly ropeFreqs: TensorInfo | undefined;
  /** The same for contexts up to the original one and longer ones (LongRoPE). */
  readonly ropeFactors?: { short: TensorInfo; long: TensorInfo } | undefined;
  /** The layers, in order. */
  readonly layers: readonly LayerTensors[];
}

/**
 * Finds the tensors of a Llama and checks their shapes and types.
 *
 * @param file The file's header.
 * @param config The file's hyperparameters.
 * @returns The tensors.
 * @throws {Error} If one is missing, has another shape or an unsupported type,
 * or is none that a Llama has: each by name.
 */
export function findTensors(
  { label, tensors }: GgufFile,
  config: LlamaConfig,
): LlamaTensors {
  const rest = new Map(tensors);
  // Shapes are [rows, cols], as everywhere but in the file.
  const find = (name: string, ...shape: number[]) => {
    const tensor = rest.get(name);
    if (tensor === undefined) {
      throw new Error(`Cannot load "${label}": tensor "${name}" is missing`);
    }
    rest.delete(name);
    const actual = tensor.shape.toReversed();
    if (trimShape(actual).join() !== trimShape(shape).join()) {
      throw new RangeError(
        `Cannot load "${label}": tensor "${name}" has shape [${
          actual.join(", ")
        }], [${shape.join(", ")}] is wanted`,
      );
    }
    if (!CODECS.has(tensor.format.name)) {
      throw new Error(
        `Cannot load "${label}": tensor "${name}" has type ${tensor.format.name}, one of ${
          [...CODECS.keys()].join(", ")
        } is wanted`,
      );
    }
    return tensor;
  };
  const { dim, hiddenDim, heads, kvHeads, headDim, vocabularySize } = config;
  const found: LlamaTensors = {
    tokenEmbd: find("token_embd.weight", vocabularySize, dim),
    outputNorm: find("output_norm.weight", dim),
    output: tensors.has("output.weight")
      ? find("output.weight", vocabularySize, dim)
      : undefined,
    ropeFreqs: tensors.has("rope_freqs.weight")
      ? find("rope_freqs.weight", config.ropeDims / 2)
      : undefined,
    ropeFactors: config.ropeScaling.type === "longrope" ||
        tensors.has("rope_factors_long.weight")
      ? {
        short: find("rope_factors_short.weight", config.ropeDims / 2),
        long: find("rope_factors_long.weight", config.ropeDims / 2),
      }
      : undefined,
    layers: Array.from({ length: config.layers }, (_, i) => ({
      attnNorm: find(`blk.${i}.attn_norm.weight`, dim),
      attnQ: find(`blk.${i}.attn_q.weight`, heads * headDim, dim),
      attnK: find(`blk.${i}.attn_k.weight`, kvHeads * headDim, dim),
      attnV: find(`blk.${i}.attn_v.weight`, kvHeads * headDim, dim),
      attnOutput: find(`blk.${i}.attn_output.weight`, dim, heads * headDim),
      ffnNorm: find(`blk.${i}.ffn_norm.weight`, dim),
      ffnGate: find(`blk.${i}.ffn_gate.weight`, hiddenDim, dim),
      ffnUp: find(`blk.${i}.ffn_up.weight`, hiddenDim, dim),
      ffnDown: find(`blk.${i}.ffn_down.weight`, dim, hiddenDim),
    })),
  };
  // What is left would be ignored, and the answers quietly wrong.
  for (const name of rest.keys()) {
    throw new Error(
      `Cannot load "${label}": tensor "${name}" is none that a Llama of ${config.layers} layers has`,
    );
  }
  return found;
}

/** A shape without the outer ones that a file may have or leave out. */
function trimShape(shape: readonly number[]): readonly number[] {
  const first = shape.findIndex((length) => length !== 1);
  return first < 0 ? [] : shape.slice(first);
}

/**
 * Changes tensors one by one.
 *
 * @param tensors The tensors.
 * @param change Gives what stands in the place of one.
 * @returns The others.
 */
export function mapTensors(
  { tokenEmbd, outputNorm, output, ropeFreqs, ropeFactors, layers }:
    LlamaTensors,
  change: (tensor: TensorInfo) => TensorInfo,
): LlamaTensors {
  return {
    tokenEmbd: change(tokenEmbd),
    outputNorm: change(outputNorm),
    output: output && change(output),
    ropeFreqs: ropeFreqs && change(ropeFreqs),
    ropeFactors: ropeFactors && {
      short: change(ropeFactors.short),
      long: change(ropeFactors.long),
    },
    layers: layers.map((layer) => ({
      attnNorm: change(layer.attnNorm),
      attnQ: change(layer.attnQ),
      attnK: change(layer.attnK),
      attnV: change(layer.attnV),
      attnOutput: change(layer.attnOutput),
      ffnNorm: change(layer.ffnNorm),
      ffnGate: change(layer.ffnGate),
      ffnUp: change(layer.ffnUp),
      ffnDown: change(layer.ffnDown),
    })),
  };
}
