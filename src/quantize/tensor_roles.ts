/** What a tensor is to the mixes of formats. */
export type TensorRole =
  | "output"
  | "embedding"
  | "q"
  | "k"
  | "v"
  | "attention output"
  | "up"
  | "gate"
  | "down"
  | "other";

/** What part of a name tells the role, where it is one of a layer. */
const PARTS: readonly (readonly [string, TensorRole])[] = [
  ["attn_qkv.weight", "v"],
  ["attn_kv_b.weight", "v"],
  ["attn_v.weight", "v"],
  ["attn_k.weight", "k"],
  ["attn_q.weight", "q"],
  ["attn_output.weight", "attention output"],
  ["ffn_up", "up"],
  ["ffn_gate", "gate"],
  ["ffn_down", "down"],
];

/**
 * Tells a tensor's role by its name.
 *
 * @param name The name, such as `"blk.0.attn_v.weight"`.
 * @returns The role. Weights that serve as values and as others too are values.
 */
export function tensorRole(name: string): TensorRole {
  if (name === "output.weight") return "output";
  if (name === "token_embd.weight") return "embedding";
  return PARTS.find(([part]) => name.includes(part))?.[1] ?? "other";
}

/** Small tensors of two dimensions that llama.cpp leaves as they are. */
const LEFT_ALONE = [
  "_norm.weight",
  "ffn_gate_inp.weight",
  "altup",
  "laurel",
  "per_layer_model_proj",
  "ssm_conv1d",
  "shortconv.conv.weight",
  "attn_rel_b.weight",
  ".position_embd",
  ".patch_embd",
];

/** Tensors of other names that llama.cpp leaves as they are. */
const LEFT_NAMES = ["position_embd.weight", "token_types.weight"];

/**
 * Tells whether a tensor is one that quantizing changes.
 *
 * @param tensor Its name, and its dimensions in ggml's order.
 * @returns Whether it is a matrix of weights.
 */
export function isQuantizable(
  { name, shape }: { name: string; shape: readonly number[] },
): boolean {
  return shape.slice(1).some((dim) => dim > 1) && name.endsWith("weight") &&
    !LEFT_NAMES.includes(name) &&
    !LEFT_ALONE.some((part) => name.includes(part));
}

/**
 * Compares tensors by layer and name, those of no layer first: the order in
 * which llama.cpp writes them.
 *
 * @param a A tensor.
 * @param b Another one.
 * @returns Below 0 where `a` comes first.
 */
export function compareTensors(
  a: { name: string },
  b: { name: string },
): number {
  const byLayer = layerOf(a.name) - layerOf(b.name);
  return byLayer !== 0 ? byLayer : compareBytes(a.name, b.name);
}

/**
 * The layer of a tensor by its name.
 *
 * @param name The name, such as `"blk.0.attn_v.weight"`.
 * @returns The layer; -1 where it is of none.
 */
export function layerOf(name: string): number {
  const digits = /^blk\.(\d+)/.exec(name)?.[1];
  return digits === undefined ? -1 : Number(digits);
}

const ENCODER = new TextEncoder();

/** Compares texts as C++ does: UTF-16 orders some characters otherwise. */
function compareBytes(a: string, b: string): number {
  const x = ENCODER.encode(a);
  const y = ENCODER.encode(b);
  for (let i = 0; i < x.length && i < y.length; i++) {
    if (x[i] !== y[i]) return x[i]! - y[i]!;
  }
  return x.length - y.length;
}
