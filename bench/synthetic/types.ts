import { type Codec, ROW_GROUP } from "../../src/kernels/quant/codec.ts";
import { CODECS } from "../../src/kernels/quant/codecs.ts";

/** Which matrix of which layer a format is chosen for. */
export interface MatrixPlace {
  /** Its name in a layer or a model, as files have it: `"attn_v"`. */
  readonly name: string;
  /** Its layer, 0 where it stands outside of them. */
  readonly layer: number;
  /** Layers of the model. */
  readonly layers: number;
  /** Query heads that share a head of keys. */
  readonly groupSize: number;
  /** Whether it is the head, or the embedding that also is. */
  readonly isHead: boolean;
  /** Weights in a row. */
  readonly cols: number;
}

/** The format of a matrix, by ggml's name. */
type Rule = (place: MatrixPlace) => string;

/** The layers that llama.cpp's mixes give more bits. */
function moreBits({ layer, layers }: MatrixPlace): boolean {
  const eighth = Math.floor(layers / 8);
  return layer < eighth || layer >= Math.floor(7 * layers / 8) ||
    (layer - eighth) % 3 === 2;
}

function kMedium(base: string): Rule {
  return (place) => {
    const { name } = place;
    const mixed = name === "attn_v" || name === "ffn_down";
    return mixed && moreBits(place) ? "Q6_K" : base;
  };
}

function kSmall(base: string): Rule {
  return ({ name, layer, layers }) => {
    if (name === "attn_v" && layer < 4) return "Q5_K";
    if (name === "ffn_down" && layer < Math.floor(layers / 8)) return "Q5_K";
    return base;
  };
}

/** llama.cpp's mixes, without the head: what `llama-quantize` makes of a Llama. */
const MIXES: Readonly<Record<string, Rule>> = {
  Q2_K: ({ name, groupSize }) => {
    if (name === "attn_v") return groupSize >= 4 ? "Q4_K" : "Q3_K";
    return name === "ffn_down" || name === "attn_output" ? "Q3_K" : "Q2_K";
  },
  Q3_K_S: () => "Q3_K",
  Q3_K_M: ({ name, layer, layers }) => {
    if (name === "attn_v") return layer < 2 ? "Q5_K" : "Q4_K";
    if (name === "ffn_down") {
      return layer < Math.floor(layers / 16) ? "Q5_K" : "Q4_K";
    }
    return name === "attn_output" ? "Q4_K" : "Q3_K";
  },
  Q3_K_L: ({ name }) =>
    ["attn_v", "ffn_down", "attn_output"].includes(name) ? "Q5_K" : "Q3_K",
  Q4_K_S: kSmall("Q4_K"),
  Q4_K_M: kMedium("Q4_K"),
  Q5_K_S: () => "Q5_K",
  Q5_K_M: kMedium("Q5_K"),
};

/** Formats whose head llama.cpp leaves as the other matrices are. */
const PLAIN_HEADS = new Set(["F32", "F16", "BF16", "Q8_0", "MXFP4"]);

/** What a format of large blocks gives way to where a row has no whole number. */
const FALLBACKS: Readonly<Record<string, string>> = {
  Q4_K: "Q5_0",
  Q5_K: "Q5_1",
  Q6_K: "Q8_0",
};

/** Every type that there is a rule for. */
export const TYPES: readonly string[] = [
  ...new Set([...CODECS.keys(), ...Object.keys(MIXES)]),
];

/**
 * How the matrices of a model of some type are packed: as llama.cpp quantizes
 * them, with the head in Q6_K behind quantized layers.
 *
 * @param type A format, or the name of a mix, in any case: `"q4_k_m"`.
 * @returns The type's own name, and the format of each matrix.
 * @throws {RangeError} If there is no such type.
 */
export function findType(
  type: string,
): { name: string; codecOf: (place: MatrixPlace) => Codec } {
  const name = type.toUpperCase();
  const rule = MIXES[name] ?? (CODECS.has(name) ? () => name : undefined);
  if (rule === undefined) {
    throw new RangeError(
      `Cannot make a model: there is no type "${type}", one of ${
        TYPES.join(", ")
      } is wanted`,
    );
  }
  const codecOf = (place: MatrixPlace) => {
    const wanted = place.isHead && !PLAIN_HEADS.has(name)
      ? "Q6_K"
      : rule(place);
    return fit(CODECS.get(wanted)!, place.cols);
  };
  return { name, codecOf };
}

/** The codec, or what llama.cpp takes in place of it for short rows. */
function fit(codec: Codec, cols: number): Codec {
  const { fileBlock: { weights }, name } = codec;
  if (cols % weights === 0) return codec;
  // So that a small shape of any type can be made.
  const next = CODECS.get(FALLBACKS[name] ?? (weights > 32 ? "IQ4_NL" : "F16"));
  return fit(next!, cols);
}

/** Rows that random weights are made of, and repeated: whole groups. */
export const PATTERN_ROWS = 16 * ROW_GROUP;
