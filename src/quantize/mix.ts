import { blockFormatByName } from "../gguf/formats.ts";
import {
  attentionOutputFormat,
  downFormat,
  fittingFormat,
  type MixModel,
  type MixRules,
  outputFormat,
  valueFormat,
} from "./mix_rules.ts";
import { isQuantizable, layerOf, tensorRole } from "./tensor_roles.ts";
import type { QuantizationType } from "./types.ts";

/** A tensor to choose a format for. */
export interface MixTensor {
  /** Its name, such as `"blk.0.attn_q.weight"`. */
  readonly name: string;
  /** Its dimensions in ggml's order. */
  readonly shape: readonly number[];
  /** How it is packed now. */
  readonly format: { readonly name: string };
}

/** Options for {@linkcode chooseFormats}. */
export interface MixOptions {
  /** Whether every matrix takes the type's own format. Defaults to `false`. */
  pure?: boolean | undefined;
  /** Format of `token_embd.weight`. Defaults to that of the mix. */
  tokenEmbeddingType?: string | undefined;
  /** Format of `output.weight`. Defaults to that of the mix. */
  outputTensorType?: string | undefined;
  /** Whether an importance matrix is used. Defaults to `false`. */
  hasImportance?: boolean | undefined;
}

/** What was chosen for a tensor. */
export interface TensorChoice {
  /** ggml's name of the format. */
  readonly format: string;
  /** What was meant; another format where the rows are no whole blocks of it. */
  readonly meant: string;
}

/**
 * Chooses formats as llama.cpp's mixes do, by role and layer.
 *
 * @param type What the file is quantized to.
 * @param model What the mix depends on.
 * @param tensors All tensors, ordered with `compareTensors()`: layers are
 * counted in that order.
 * @param options What overrules the mix.
 * @returns The formats, one for each tensor. What is no matrix of weights keeps
 * its own.
 */
export function chooseFormats(
  type: QuantizationType,
  model: MixModel,
  tensors: readonly MixTensor[],
  options: MixOptions = {},
): TensorChoice[] {
  const { hasImportance = false } = options;
  const choose = chooser({ type, model, hasImportance }, tensors, options);
  return tensors.map((tensor) => {
    const { name } = tensor.format;
    if (!isQuantizable(tensor)) return { format: name, meant: name };
    const meant = choose(tensor.name);
    return { format: fittingFormat(meant, tensor.shape[0]!), meant };
  });
}

/** Chooses for one tensor after the other: some are counted. */
function chooser(
  rules: MixRules,
  tensors: readonly MixTensor[],
  { pure, tokenEmbeddingType, outputTensorType }: MixOptions,
): (name: string) => string {
  const { type, model } = rules;
  const roles = tensors.map(({ name }) => tensorRole(name));
  const isTied = !roles.includes("output");
  const isMix = blockFormatByName(type.format)!.blockSize > 1 && !pure;
  const values = roles.filter((role) => role === "v").length;
  let value = 0;
  let down = 0;
  return (name) => {
    const role = tensorRole(name);
    if (role === "embedding" && tokenEmbeddingType) return tokenEmbeddingType;
    if (role === "output" && outputTensorType) return outputTensorType;
    if (!isMix) return type.format;
    switch (role) {
      case "embedding":
        if (!isTied) return type.format;
        return outputTensorType ?? outputFormat(rules);
      case "output":
        return outputFormat(rules);
      case "v":
        return valueFormat(rules, { index: value++, count: values });
      case "k":
        return model.experts === 8 ? "Q8_0" : type.format;
      case "down": {
        // Experts do not follow each other by layer.
        const index = model.experts > 1 ? layerOf(name) : down++;
        return downFormat(rules, { index, count: model.layers });
      }
      case "attention output":
        return attentionOutputFormat(rules);
      default:
        return type.format;
    }
  };
}
