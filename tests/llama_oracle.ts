import type { RopeScalingOptions } from "../mod.ts";
import { readGguf } from "../src/gguf/reader.ts";
import { openSource } from "../src/gguf/source.ts";
import { CODECS } from "../src/kernels/quant/codecs.ts";
import {
  attention,
  matmul,
  rmsNorm,
  rope,
  swiglu,
} from "../src/kernels/oracle.ts";
import { ropeAngles } from "./rope_oracle.ts";

/** A Llama in plain TypeScript and f64, slow and from the definition. */
export interface LlamaOracle {
  /** The logits after each of `ids`, one array a position. */
  logits(ids: readonly number[]): Float64Array[];
}

/** Options for {@linkcode llamaOracle}. */
export interface LlamaOracleOptions {
  /** What takes the place of the file's rotary embedding. */
  rope?: RopeScalingOptions | undefined;
  /** Positions of a conversation. Defaults to what the file names. */
  contextLength?: number | undefined;
}

/**
 * Reads a GGUF file for the oracle: only the container's reader and the codecs'
 * `dequantize()` are shared with the engine.
 *
 * @param bytes The file.
 * @param options How it is loaded.
 * @returns The model.
 */
export async function llamaOracle(
  bytes: Uint8Array,
  { rope: stretch, contextLength }: LlamaOracleOptions = {},
): Promise<LlamaOracle> {
  await using source = await openSource(bytes);
  const { metadata, tensors } = await readGguf(source);
  const number = (name: string) =>
    metadata[`llama.${name}`] as number | undefined;
  const weight = (name: string) => {
    const { format, offset, bytes: size } = tensors.get(name)!;
    const data = bytes.subarray(offset, offset + size);
    return CODECS.get(format.name)!.dequantize(data);
  };
  const dim = number("embedding_length")!;
  const heads = number("attention.head_count")!;
  const kvHeads = number("attention.head_count_kv") ?? heads;
  const headDim = number("attention.key_length") ?? dim / heads;
  const window = number("attention.sliding_window") || Infinity;
  const eps = number("attention.layer_norm_rms_epsilon")!;
  const trained = number("context_length")!;
  const angles = ropeAngles({
    number: (name) => number(`rope.${name}`),
    type: metadata["llama.rope.scaling.type"] as string | undefined,
    vector: (name) => tensors.has(name) ? weight(name) : undefined,
    trained,
    context: contextLength ?? trained,
    dims: number("rope.dimension_count") ?? headDim,
  }, stretch);
  const embedding = weight("token_embd.weight");
  const vocabulary = embedding.length / dim;

  const linear = (name: string, x: Float64Array, cols: number) => {
    const w = weight(name);
    return matmul(w, x, { rows: w.length / cols, cols });
  };
  /** Rotates the heads of each row. */
  const rotate = (x: Float64Array, count: number) => {
    const y = new Float64Array(x.length);
    for (let head = 0; head * headDim < x.length; head++) {
      const at = head * headDim;
      const position = Math.floor(head / count);
      const rotated = rope(x.subarray(at, at + headDim), {
        ...angles,
        position,
      });
      y.set(rotated, at);
    }
    return y;
  };
  const attend = (layer: string, x: Float64Array) => {
    const normed = rmsNorm(x, weight(`${layer}.attn_norm.weight`), eps);
    const project = (name: string) =>
      linear(`${layer}.attn_${name}.weight`, normed, dim);
    const q = rotate(project("q"), heads);
    const k = rotate(project("k"), kvHeads);
    const v = project("v");
    const width = heads * headDim;
    const y = new Float64Array(q.length);
    for (let row = 0; row * width < q.length; row++) {
      const one = q.subarray(row * width, (row + 1) * width);
      const shape = { heads, kvHeads, headDim, window, keys: row + 1 };
      y.set(attention(one, k, v, shape), row * width);
    }
    return linear(`${layer}.attn_output.weight`, y, width);
  };
  const feedForward = (layer: string, x: Float64Array) => {
    const normed = rmsNorm(x, weight(`${layer}.ffn_norm.weight`), eps);
    const hidden = swiglu(
      linear(`${layer}.ffn_gate.weight`, normed, dim),
      linear(`${layer}.ffn_up.weight`, normed, dim),
    );
    const hiddenDim = number("feed_forward_length")!;
    return linear(`${layer}.ffn_down.weight`, hidden, hiddenDim);
  };

  return {
    logits(ids) {
      let x = new Float64Array(ids.length * dim);
      for (const [row, id] of ids.entries()) {
        x.set(embedding.subarray(id * dim, (id + 1) * dim), row * dim);
      }
      for (let i = 0; i < number("block_count")!; i++) {
        const attended = attend(`blk.${i}`, x);
        x = x.map((value, at) => value + attended[at]!);
        const fed = feedForward(`blk.${i}`, x);
        x = x.map((value, at) => value + fed[at]!);
      }
      const normed = rmsNorm(x, weight("output_norm.weight"), eps);
      const head = tensors.has("output.weight")
        ? "output.weight"
        : "token_embd.weight";
      const all = linear(head, normed, dim);
      return Array.from(
        ids,
        (_, row) => all.slice(row * vocabulary, (row + 1) * vocabulary),
      );
    },
  };
}
