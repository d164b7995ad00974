/** What a tensor of a Llama becomes. */
export interface TensorRole {
  /** Its name in a GGUF file. */
  readonly name: string;
  /** The names of its dimensions, the slowest first; see {@linkcode LlamaShape}. */
  readonly shape: readonly (keyof LlamaShape)[];
  /** Whose heads' rows are to be put in another order, if any. */
  readonly heads?: "heads" | "kvHeads";
}

/** The lengths of a Llama's dimensions. */
export interface LlamaShape {
  /** Rows of the embedding and of the head. */
  vocabulary: number;
  /** Width of the residual stream. */
  dim: number;
  /** Width of the feed-forward blocks. */
  hiddenDim: number;
  /** Width of all query heads. */
  queries: number;
  /** Width of all key or value heads. */
  keys: number;
}

const OUTSIDE: ReadonlyMap<string, TensorRole> = new Map([
  ["model.embed_tokens.weight", {
    name: "token_embd.weight",
    shape: ["vocabulary", "dim"],
  }],
  ["model.norm.weight", { name: "output_norm.weight", shape: ["dim"] }],
  ["lm_head.weight", { name: "output.weight", shape: ["vocabulary", "dim"] }],
]);

const IN_LAYER: ReadonlyMap<string, TensorRole> = new Map([
  ["input_layernorm", { name: "attn_norm", shape: ["dim"] }],
  ["self_attn.q_proj", {
    name: "attn_q",
    shape: ["queries", "dim"],
    heads: "heads",
  }],
  ["self_attn.k_proj", {
    name: "attn_k",
    shape: ["keys", "dim"],
    heads: "kvHeads",
  }],
  ["self_attn.v_proj", { name: "attn_v", shape: ["keys", "dim"] }],
  ["self_attn.o_proj", { name: "attn_output", shape: ["dim", "queries"] }],
  ["post_attention_layernorm", { name: "ffn_norm", shape: ["dim"] }],
  ["mlp.gate_proj", { name: "ffn_gate", shape: ["hiddenDim", "dim"] }],
  ["mlp.up_proj", { name: "ffn_up", shape: ["hiddenDim", "dim"] }],
  ["mlp.down_proj", { name: "ffn_down", shape: ["dim", "hiddenDim"] }],
]);

/** What some checkpoints have besides weights: it is calculated anew. */
const IGNORED =
  /\.(?:rotary_emb\.inv_freq|attention\.masked_bias|attention\.bias)$/;

/** Tells whether a tensor of a checkpoint is none that a GGUF file has. */
export function isIgnored(name: string): boolean {
  return IGNORED.test(name);
}

/**
 * Every tensor that a Llama's checkpoint has, by its name there.
 *
 * @param layers Transformer layers.
 * @returns What each becomes.
 */
export function llamaRoles(layers: number): Map<string, TensorRole> {
  const roles = new Map(OUTSIDE);
  for (let i = 0; i < layers; i++) {
    for (const [name, role] of IN_LAYER) {
      roles.set(`model.layers.${i}.${name}.weight`, {
        ...role,
        name: `blk.${i}.${role.name}.weight`,
      });
    }
  }
  return roles;
}
