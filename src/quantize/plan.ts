import { blockFormatByName } from "../gguf/formats.ts";
import { quote } from "../gguf/quote.ts";
import type { GgufFile, TensorInfo } from "../gguf/reader.ts";
import { type ImportanceMatrix, importanceOf } from "./importance.ts";
import { mixModel } from "./metadata.ts";
import { chooseFormats } from "./mix.ts";
import { QUANTIZABLE } from "./quantize_rows.ts";
import { compareTensors, tensorRole } from "./tensor_roles.ts";
import type { QuantizationType } from "./types.ts";

/** What is to be done with one tensor. */
export interface TensorPlan {
  /** The tensor as it is. */
  readonly tensor: TensorInfo;
  /** ggml's name of the format that it is to have. */
  readonly format: string;
  /** What the mix has for it; another format where its rows do not fit that. */
  readonly meant: string;
  /** Importance of its columns, `[columns]` or `[experts, columns]`. */
  readonly importance: Float32Array | undefined;
}

/** Options for {@linkcode planTensors}. */
export interface QuantizeMixOptions {
  /**
   * Whether every matrix takes the type's own format, not that of a mix.
   * Defaults to `false`.
   */
  pure?: boolean | undefined;
  /** Format of `token_embd.weight`, in any case. Defaults to the mix's. */
  tokenEmbeddingType?: string | undefined;
  /** Format of `output.weight`, in any case. Defaults to the mix's. */
  outputTensorType?: string | undefined;
  /**
   * Whether weights that are quantized already may be quantized once more,
   * which loses more than quantizing once. Defaults to `false`.
   */
  allowRequantize?: boolean | undefined;
}

/** What of a file's header decides what becomes of its tensors. */
export type PlannedFile = Pick<GgufFile, "label" | "metadata" | "tensors">;

/** Formats that importance makes a difference to. */
const WITHOUT_IMPORTANCE = ["F32", "F16", "BF16", "Q8_0"];

/**
 * Decides what becomes of each tensor of a file.
 *
 * @param file The file's header.
 * @param type What it is quantized to.
 * @param matrix The importance matrix, if there is one.
 * @param options What overrules the mix.
 * @returns A plan for each tensor, in the order in which they are written.
 * @throws {TypeError} If a format is unknown.
 * @throws {Error} If a tensor is quantized already, or importance is needed.
 * @throws {RangeError} If the importance matrix does not fit.
 */
export function planTensors(
  file: PlannedFile,
  type: QuantizationType,
  matrix: ImportanceMatrix | undefined,
  options: QuantizeMixOptions = {},
): TensorPlan[] {
  const { pure, allowRequantize = false } = options;
  const tensors = [...file.tensors.values()].sort(compareTensors);
  const choices = chooseFormats(
    type,
    mixModel(file.metadata, tensors),
    tensors,
    {
      pure,
      tokenEmbeddingType: formatName(options.tokenEmbeddingType),
      outputTensorType: formatName(options.outputTensorType),
      hasImportance: matrix !== undefined,
    },
  );
  return tensors.map((tensor, i) => {
    const { format, meant } = choices[i]!;
    const isKept = format === tensor.format.name;
    if (!isKept) checkSource(file, tensor, { format, allowRequantize });
    const needsNone = isKept || WITHOUT_IMPORTANCE.includes(format);
    const importance = needsNone || matrix === undefined
      ? undefined
      : importanceOf(matrix, tensor);
    if (!isKept && importance === undefined) {
      checkNeed(file, tensor, { format, type });
    }
    return { tensor, format, meant, importance };
  });
}

/** ggml's name of a format that was given in any case. */
function formatName(name: string | undefined): string | undefined {
  if (name === undefined) return undefined;
  const upper = name.toUpperCase();
  if (QUANTIZABLE.includes(upper)) return upper;
  throw new TypeError(
    `Cannot quantize to "${name}": one of ${QUANTIZABLE.join(", ")} is wanted`,
  );
}

function checkSource(
  { label }: PlannedFile,
  { name, format: from }: TensorInfo,
  { format, allowRequantize }: { format: string; allowRequantize: boolean },
): void {
  const isFloat = ["F32", "F16", "BF16"].includes(from.name);
  if (isFloat || allowRequantize) return;
  throw new Error(
    `Cannot quantize "${label}": tensor ${quote(name)} is ${from.name} ` +
      `already and would become ${format}, which loses more than quantizing ` +
      "once: a file of F32, F16 or BF16 is wanted, or allowRequantize",
  );
}

/** llama.cpp refuses 2-bit mixes without importance: they make no sense. */
function checkNeed(
  { label }: PlannedFile,
  { name }: TensorInfo,
  { format, type }: { format: string; type: QuantizationType },
): void {
  const role = tensorRole(name);
  if (role === "embedding" || role === "output") return;
  if (type.name !== "Q2_K_S" || format !== "Q2_K") return;
  throw new Error(
    `Cannot quantize "${label}" to ${type.name}: tensor ${quote(name)} ` +
      "becomes Q2_K, which needs an importance matrix",
  );
}

/** Bytes of a tensor in the format that it is to have. */
export function plannedBytes({ tensor, format }: TensorPlan): number {
  const { blockSize, bytes } = blockFormatByName(format) ?? tensor.format;
  return tensor.elements / blockSize * bytes;
}
