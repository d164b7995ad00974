import type { GgufField } from "../../src/gguf/field.ts";
import { type BlockFormat, blockFormatByName } from "../../src/gguf/formats.ts";
import {
  type GgufPlan,
  layOutGguf,
  type PlannedTensor,
} from "../../src/gguf/layout.ts";
import { BYTE_CHARACTERS } from "../../src/tokenizer/byte_level.ts";
import { findShape, type SyntheticShape } from "./shapes.ts";

/** GGUF's numbers of the types of tokens. */
const NORMAL = 1;
const CONTROL = 3;
const BYTE = 6;

/** A file of Llama 13B's shape in Q4_0: 363 tensors, 32,000 pieces. */
export function llama13b(): GgufPlan {
  const shape = findShape("llama13b");
  return {
    fields: [...modelFields(shape), ...pieceFields(shape.vocabularySize)],
    tensors: tensorsOf(shape, blockFormatByName("Q4_0")!),
  };
}

/**
 * A vocabulary of Llama 3's size without weights: 128,256 tokens of byte-level
 * byte pair encoding and 280,147 merges.
 */
export function byteLevel128k(): GgufPlan {
  const { tokens, merges } = makeMerges(128_000, 280_147);
  const names = Array.from({ length: 256 }, (_, i) => `<|reserved_${i}|>`);
  const types = Int32Array.from(
    [...tokens.map(() => NORMAL), ...names.map(() => CONTROL)],
  );
  return {
    fields: [
      { key: "general.architecture", type: "string", value: "llama" },
      { key: "tokenizer.ggml.model", type: "string", value: "gpt2" },
      { key: "tokenizer.ggml.pre", type: "string", value: "llama-bpe" },
      {
        key: "tokenizer.ggml.tokens",
        type: "array",
        of: "string",
        value: [...tokens, ...names],
      },
      {
        key: "tokenizer.ggml.token_type",
        type: "array",
        of: "i32",
        value: types,
      },
      {
        key: "tokenizer.ggml.merges",
        type: "array",
        of: "string",
        value: merges,
      },
      { key: "tokenizer.ggml.bos_token_id", type: "u32", value: 128_000 },
      { key: "tokenizer.ggml.eos_token_id", type: "u32", value: 128_001 },
    ],
    tensors: [],
  };
}

/**
 * Writes a file of zeros behind the header; they take no room on the disk.
 *
 * @param path The file.
 * @param plan What it holds.
 */
export async function writeHollow(path: string, plan: GgufPlan): Promise<void> {
  const { header, size } = await layOutGguf(plan, path);
  await Deno.writeFile(path, header);
  await Deno.truncate(path, size);
}

function modelFields(shape: SyntheticShape): GgufField[] {
  const u32 = (key: string, value: number): GgufField => {
    return { key: `llama.${key}`, type: "u32", value };
  };
  return [
    { key: "general.architecture", type: "string", value: "llama" },
    { key: "general.name", type: "string", value: "hollow" },
    u32("context_length", shape.contextLength),
    u32("embedding_length", shape.dim),
    u32("block_count", shape.layers),
    u32("feed_forward_length", shape.hiddenDim),
    u32("rope.dimension_count", shape.ropeDims),
    u32("attention.head_count", shape.heads),
    u32("attention.head_count_kv", shape.kvHeads),
    {
      key: "llama.attention.layer_norm_rms_epsilon",
      type: "f32",
      value: shape.normEps,
    },
    { key: "general.file_type", type: "u32", value: 2 },
  ];
}

function pieceFields(size: number): GgufField[] {
  const random = seeded(1);
  const bytes = Array.from({ length: 256 }, (_, byte) => {
    return `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
  });
  const pieces = new Set(["<unk>", "<s>", "</s>", ...bytes]);
  const first = pieces.size;
  while (pieces.size < size) pieces.add(makePiece(random));
  const types = Int32Array.from(pieces, (_, id) => {
    return id < 3 ? CONTROL : id < first ? BYTE : NORMAL;
  });
  types[0] = 2; // the unknown one
  return [
    { key: "tokenizer.ggml.model", type: "string", value: "llama" },
    {
      key: "tokenizer.ggml.tokens",
      type: "array",
      of: "string",
      value: [...pieces],
    },
    {
      key: "tokenizer.ggml.scores",
      type: "array",
      of: "f32",
      value: Float32Array.from(pieces, (_, id) => Math.min(0, first - id)),
    },
    {
      key: "tokenizer.ggml.token_type",
      type: "array",
      of: "i32",
      value: types,
    },
  ];
}

/** A piece like Llama's: half start a word, one in eight is not ASCII. */
function makePiece(random: Random): string {
  const start = random(2) === 0 ? "\u2581" : "";
  const base = random(8) === 0 ? 0x430 : 0x61;
  return start + Array.from(
    { length: 1 + random(9) },
    () => String.fromCharCode(base + random(26)),
  ).join("");
}

/**
 * Makes tokens by merging, each of two before it, and as in Llama 3's vocabulary
 * a merge for each way in which a token falls into two others.
 */
function makeMerges(size: number, mergeCount: number) {
  const random = seeded(2);
  const tokens = [...BYTE_CHARACTERS];
  const known = new Set(tokens);
  // Most texts are of few letters, or a token would fall apart in one way only.
  const letters = [..."etaoinsh\u0120"];
  const pick = () =>
    random(8) < 7
      ? letters[random(letters.length)]!
      : tokens[random(1 + random(tokens.length))]!;
  while (tokens.length < size) {
    const text = pick() + pick();
    if (known.has(text) || text.length > 12) continue;
    known.add(text);
    tokens.push(text);
  }
  const merges: string[] = [];
  for (const token of tokens) {
    for (let at = 1; at < token.length; at++) {
      const [left, right] = [token.slice(0, at), token.slice(at)];
      if (known.has(left) && known.has(right)) merges.push(`${left} ${right}`);
    }
  }
  if (merges.length < mergeCount) {
    throw new Error(
      `Cannot make ${mergeCount} merges: there are ${merges.length}`,
    );
  }
  return { tokens, merges: merges.slice(0, mergeCount) };
}

function tensorsOf(
  { dim, hiddenDim, layers, heads, kvHeads, headDim, vocabularySize }:
    SyntheticShape,
  format: BlockFormat,
): PlannedTensor[] {
  const f32 = blockFormatByName("F32")!;
  const matrix = (name: string, cols: number, rows: number) => {
    return { name, shape: [cols, rows], format };
  };
  const norm = (name: string) => ({ name, shape: [dim], format: f32 });
  const blocks = Array.from({ length: layers }, (_, i) => [
    norm(`blk.${i}.attn_norm.weight`),
    matrix(`blk.${i}.ffn_down.weight`, hiddenDim, dim),
    matrix(`blk.${i}.ffn_gate.weight`, dim, hiddenDim),
    matrix(`blk.${i}.ffn_up.weight`, dim, hiddenDim),
    norm(`blk.${i}.ffn_norm.weight`),
    matrix(`blk.${i}.attn_k.weight`, dim, kvHeads * headDim),
    matrix(`blk.${i}.attn_output.weight`, heads * headDim, dim),
    matrix(`blk.${i}.attn_q.weight`, dim, heads * headDim),
    matrix(`blk.${i}.attn_v.weight`, dim, kvHeads * headDim),
  ]);
  return [
    matrix("token_embd.weight", dim, vocabularySize),
    ...blocks.flat(),
    norm("output_norm.weight"),
    matrix("output.weight", dim, vocabularySize),
  ];
}

/** A source of integers below a limit, the same for the same seed. */
type Random = (below: number) => number;

function seeded(seed: number): Random {
  let state = seed;
  return (below) => {
    state = Math.imul(state ^ state >>> 15, 0x2c1b3c6d) + 0x9e3779b9 | 0;
    return ((state ^ state >>> 13) >>> 0) % below;
  };
}
