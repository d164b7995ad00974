import { blockFormatByName } from "../gguf/formats.ts";
import type { QuantizationType } from "./types.ts";

/** What a mix depends on beside the names of the tensors. */
export interface MixModel {
  /** `general.architecture`. */
  readonly architecture: string;
  /** Layers of the model. */
  readonly layers: number;
  /** Query heads of the first layer. */
  readonly heads: number;
  /** Key and value heads of the first layer. */
  readonly kvHeads: number;
  /** Experts of a mixture; 0 or 1 for none. */
  readonly experts: number;
}

/** What the rules of a mix ask. */
export interface MixRules {
  /** What the file is quantized to. */
  readonly type: QuantizationType;
  /** The model. */
  readonly model: MixModel;
  /** Whether an importance matrix is used. */
  readonly hasImportance: boolean;
}

/** A part of a model that is counted: the index of one, and how many. */
export interface Place {
  /** Its index. */
  readonly index: number;
  /** How many there are. */
  readonly count: number;
}

const FALCON = "falcon";

/** Whether the layer is in the first or last eighth, or a third one between. */
function isImportant({ index, count }: Place): boolean {
  const eighth = Math.floor(count / 8);
  return index < eighth || index >= Math.floor(7 * count / 8) ||
    (index - eighth) % 3 === 2;
}

/** Whether the layer is in the first part of so many. */
function isFirst({ index, count }: Place, parts: number): boolean {
  return index < Math.floor(count / parts);
}

/**
 * The format of the matrix of logits, or of tied embeddings.
 *
 * @param rules What is asked.
 * @returns ggml's name of the format.
 */
export function outputFormat({ type, model }: MixRules): string {
  return type.format === "Q8_0" || model.architecture === FALCON
    ? "Q8_0"
    : "Q6_K";
}

/**
 * The format of a matrix of values.
 *
 * @param rules What is asked.
 * @param place Which of them it is.
 * @returns ggml's name of the format.
 */
export function valueFormat(rules: MixRules, place: Place): string {
  const { heads, kvHeads, layers, experts } = rules.model;
  if (experts === 8) return "Q8_0";
  const format = valueFormatByType(rules, place);
  // Llama 2 70B, where eight heads share the values.
  const isLarge = rules.model.architecture === "llama" && layers === 80 &&
    heads !== kvHeads;
  return isLarge && (format === "Q3_K" || format === "Q4_K") ? "Q5_K" : format;
}

function valueFormatByType({ type, model }: MixRules, place: Place): string {
  const { heads, kvHeads } = model;
  const isShared = kvHeads > 0 && Math.floor(heads / kvHeads) >= 4;
  switch (type.name) {
    case "Q2_K":
      return isShared ? "Q4_K" : "Q3_K";
    case "Q2_K_S":
      return isShared ? "Q4_K" : type.format;
    case "Q3_K_M":
      return place.index < 2 ? "Q5_K" : "Q4_K";
    case "Q3_K_L":
      return "Q5_K";
    case "IQ4_NL":
    case "IQ4_XS":
      return isShared ? "Q5_K" : type.format;
    case "Q4_K_M":
    case "Q5_K_M":
      return isImportant(place) ? "Q6_K" : type.format;
    case "Q4_K_S":
      return place.index < 4 ? "Q5_K" : type.format;
    default:
      return type.format;
  }
}

/**
 * The format of a matrix that leads out of a feed-forward network.
 *
 * @param rules What is asked.
 * @param place Which layer it is of.
 * @returns ggml's name of the format.
 */
export function downFormat(
  { type, model, hasImportance }: MixRules,
  place: Place,
): string {
  const isFalcon = model.architecture === FALCON;
  switch (type.name) {
    case "Q2_K":
      return "Q3_K";
    case "Q2_K_S":
      return isFirst(place, 8) ? "Q4_K" : type.format;
    case "Q3_K_M":
      if (isFirst(place, 16)) return "Q5_K";
      return !isFalcon || isImportant(place) ? "Q4_K" : type.format;
    case "Q3_K_L":
      return isFalcon ? "Q4_K" : "Q5_K";
    case "Q4_K_M":
      if (!isFalcon) return isImportant(place) ? "Q6_K" : type.format;
      if (isFirst(place, 16)) return "Q6_K";
      return isImportant(place) ? "Q5_K" : type.format;
    case "Q5_K_M":
      return isImportant(place) ? "Q6_K" : type.format;
    case "Q4_K_S":
      return isFirst(place, 8) && !isFalcon ? "Q5_K" : type.format;
    case "IQ4_NL":
    case "IQ4_XS":
      return isFirst(place, 8) && !hasImportance ? "Q5_K" : type.format;
    case "Q4_0":
      return isFirst(place, 8) && hasImportance ? "Q4_1" : type.format;
    case "Q5_0":
      return isFirst(place, 8) && hasImportance ? "Q5_1" : type.format;
    default:
      return type.format;
  }
}

/** Mixes that give the attention's output more bits where experts are eight. */
const WITH_EXPERTS = [
  "Q2_K",
  "Q3_K_S",
  "Q3_K_M",
  "Q4_K_S",
  "Q4_K_M",
  "IQ4_NL",
  "IQ4_XS",
];

/**
 * The format of a matrix that leads out of the attention.
 *
 * @param rules What is asked.
 * @returns ggml's name of the format.
 */
export function attentionOutputFormat({ type, model }: MixRules): string {
  const { architecture, experts } = model;
  if (architecture === FALCON) {
    return type.name === "Q3_K_L" ? "Q4_K" : type.format;
  }
  if (experts === 8) {
    return WITH_EXPERTS.includes(type.name) ? "Q5_K" : type.format;
  }
  switch (type.name) {
    case "Q2_K":
      return "Q3_K";
    case "Q3_K_M":
      return "Q4_K";
    case "Q3_K_L":
      return "Q5_K";
    default:
      return type.format;
  }
}

/** What is taken where rows are no whole blocks of 256. */
const FALLBACKS: Readonly<Record<string, string>> = {
  IQ4_XS: "IQ4_NL",
  Q2_K: "Q4_0",
  Q3_K: "Q4_0",
  Q4_K: "Q5_0",
  Q5_K: "Q5_1",
  Q6_K: "Q8_0",
};

/**
 * The format that rows of a length can have.
 *
 * @param format The format that is meant.
 * @param columns Weights of a row.
 * @returns That format where the rows are whole blocks of it; else one of
 * shorter blocks and more bits, and F16 where not even 32 weights make a block.
 */
export function fittingFormat(format: string, columns: number): string {
  for (const name of [format, FALLBACKS[format]]) {
    if (name === undefined) continue;
    if (columns % blockFormatByName(name)!.blockSize === 0) return name;
  }
  return "F16";
}
