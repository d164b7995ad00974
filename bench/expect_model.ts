import { matrixBytes } from "../src/kernels/matrix.ts";
import { CODECS } from "../src/kernels/quant/codecs.ts";
import { kvBytes } from "../src/model/kv_buffers.ts";
import type { SyntheticShape } from "./synthetic/shapes.ts";
import { describeTensors, listTensors } from "./synthetic/tensors.ts";

/** What the expected time of a model follows from. */
export interface Assumptions {
  /** 10^9 bytes a second of streaming reads. */
  streamGBs: number;
  /** 10^9 operations a second of f32 multiply-adds. */
  fmaGFlops: number;
  /** 10^9 operations a second of `dot4I8Packed`. */
  dot4GFlops: number;
  /** Which part of `streamGBs` a product of one row reads, by format. */
  formatFractions: Readonly<Record<string, number>>;
  /** The same of formats that are not listed. */
  otherFraction: number;
  /** Which part of `streamGBs` attention of one row reads. */
  attentionFraction: number;
  /** Microseconds that a dispatch costs which waits for the one before. */
  stepUs: number;
  /** Microseconds from the GPU's last command to JavaScript and back. */
  readUs: number;
  /** Tokens that are queued and read back at once. */
  tokensPerRead: number;
  /** Dispatches that sample a token on the GPU. */
  sampleSteps: number;
  /** Milliseconds of the CPU for each step, hidden behind the GPU's. */
  cpuMs: number;
  /** Which part of the peak a product of a batch reaches, by activations. */
  matmulFractions: { readonly f32: number; readonly int8: number };
}

/** Where each assumption comes from; `kernels.md` is the design's. */
export const SOURCES: Readonly<Record<keyof Assumptions, string>> = {
  streamGBs: "H100 SXM: 3350 GB/s on paper, 3000 by a copy (kernels.md 6)",
  fmaGFlops: "paper: 132 SM x 128 FMA x 1.98 GHz (kernels.md 2)",
  dot4GFlops: "paper: 132 SM x 64 x 8 x 1.98 GHz (kernels.md 2)",
  formatFractions:
    "0.84 to 0.90 of the paper bandwidth by Vulkan on a 4070 (kernels.md 6)",
  otherFraction: "as the listed ones",
  attentionFraction: "no source: gather of 256-byte rows, partials in f32",
  stepUs: "4 to 5 us by Vulkan on a 5090 (kernels.md 4)",
  readUs: "no source: 30 to 60 us to wake up from a fence (kernels.md 7)",
  tokensPerRead: "no gap above 50 ms at 300 tokens/s leaves room for 15",
  sampleSteps: "argmax; the embedding of its token is one of the others",
  cpuMs: "bench/encode.ts on two shared cores",
  matmulFractions: "half of the peak (kernels.md 2)",
};

/** An H100 of which nothing has been measured. */
export const H100: Assumptions = {
  streamGBs: 3000,
  fmaGFlops: 67_000,
  dot4GFlops: 134_000,
  formatFractions: { Q4_0: 0.85, Q4_K: 0.85, Q6_K: 0.85, Q8_0: 0.9 },
  otherFraction: 0.85,
  attentionFraction: 0.6,
  stepUs: 4.5,
  readUs: 60,
  tokensPerRead: 8,
  sampleSteps: 1,
  cpuMs: 0.52,
  matmulFractions: { f32: 0.5, int8: 0.5 },
};

/** An expected time, and what it is made of. */
export interface Expectation {
  /** Milliseconds by what they are spent on. */
  parts: Readonly<Record<string, number>>;
  /** Milliseconds of a token, or of the prompt. */
  ms: number;
  /** Tokens a second. */
  tokensPerSecond: number;
  /**
   * Which part of the ceiling it means: of streaming reads in decode, of
   * arithmetic in a prompt.
   */
  fraction: number;
}

/** A step behind fewer keys than this is not cut into parts. */
const PARTS_FROM = 512;

/**
 * Dispatches of a decode step, as `bench/commands.sh` counts them.
 *
 * @param shape The model.
 * @param type How its weights are packed.
 * @param depth Positions before.
 * @returns How many, sampling left out.
 */
export function countSteps(
  shape: SyntheticShape,
  type: string,
  depth: number,
): number {
  const { layers } = describeTensors(shape, type);
  // A matrix of another format is multiplied with by itself.
  const stacks = (formats: string[]) =>
    formats.filter((format, i) => format !== formats[i - 1]).length;
  const perLayer = layers.map(({ attnQ, attnK, attnV, ffnGate, ffnUp }) => {
    const qkv = stacks([attnQ, attnK, attnV].map(({ format }) => format.name));
    // Gate and up that are no stack have the activation by itself.
    const gateUp = ffnGate.format === ffnUp.format ? 1 : 3;
    const attention = depth >= PARTS_FROM ? 2 : 1;
    return qkv + attention + 1 + gateUp + 1;
  });
  const ends = 3; // embedding, norm, head
  return perLayer.reduce((sum, count) => sum + count, ends);
}

/** Bytes of a model's matrices on the GPU by format, the embedding left out. */
function bytesByFormat(
  shape: SyntheticShape,
  type: string,
): Map<string, number> {
  const tensors = describeTensors(shape, type);
  const bytes = new Map<string, number>();
  for (const tensor of listTensors(tensors)) {
    const [cols, rows] = tensor.shape;
    if (rows === undefined) continue; // a norm
    if (tensor === tensors.tokenEmbd && tensors.output !== undefined) continue;
    const { name } = tensor.format;
    const codec = CODECS.get(name)!;
    const own = matrixBytes({ rows, cols: cols!, codec });
    bytes.set(name, (bytes.get(name) ?? 0) + own);
  }
  return bytes;
}

/**
 * The expected time of a token behind some others.
 *
 * @param shape The model.
 * @param type How its weights are packed.
 * @param options Positions before it, and what is assumed.
 * @returns The expectation.
 */
export function expectDecode(
  shape: SyntheticShape,
  type: string,
  { depth, assumptions }: { depth: number; assumptions: Assumptions },
): Expectation {
  const { streamGBs, formatFractions, otherFraction } = assumptions;
  const { attentionFraction, stepUs, readUs, tokensPerRead } = assumptions;
  const { sampleSteps, cpuMs } = assumptions;
  const msOf = (bytes: number, fraction: number) =>
    bytes / (fraction * streamGBs * 1e9) * 1000;
  let weights = 0;
  let bytes = 0;
  for (const [format, own] of bytesByFormat(shape, type)) {
    weights += msOf(own, formatFractions[format] ?? otherFraction);
    bytes += own;
  }
  const cache = kvBytes({ config: shape, context: depth, kv: "f16" });
  const steps = countSteps(shape, type, depth) + sampleSteps;
  const gpu = {
    weights,
    attention: msOf(cache, attentionFraction),
    steps: steps * stepUs / 1000,
  };
  const onGpu = gpu.weights + gpu.attention + gpu.steps;
  const parts = {
    ...gpu,
    // Encoded ahead: only what is longer than the GPU's own time is seen.
    cpu: Math.max(0, cpuMs - onGpu) + readUs / 1000 / tokensPerRead,
  };
  return summarize(parts, 1, (ms) => msOf(bytes + cache, 1) / ms);
}

/**
 * The expected time of a prompt from an empty context.
 *
 * @param shape The model.
 * @param type How its weights are packed.
 * @param options Tokens, at most a batch of them; what they are rounded to; and
 * what is assumed.
 * @returns The expectation.
 */
export function expectPrompt(
  shape: SyntheticShape,
  type: string,
  { tokens, activations, assumptions }: {
    tokens: number;
    activations: "f32" | "int8";
    assumptions: Assumptions;
  },
): Expectation {
  const { layers, heads, headDim, dim, hiddenDim } = shape;
  const { streamGBs, stepUs, matmulFractions } = assumptions;
  const peak = activations === "int8"
    ? assumptions.dot4GFlops
    : assumptions.fmaGFlops;
  const tensors = describeTensors(shape, type);
  // The head runs for the last token alone.
  const weights = tensors.layers.flatMap((layer) => Object.values(layer))
    .filter(({ shape }) => shape.length === 2)
    .reduce((sum, { elements }) => sum + elements, 0);
  const products = 2 * weights * tokens;
  // Scores and values, each of the keys before.
  const attention = 4 * layers * heads * headDim * tokens * tokens / 2;
  const rate = matmulFractions[activations] * peak * 1e9;
  // Written and read again between kernels, f32: the wide ones count.
  const activationBytes = 4 * tokens * layers *
    2 * (4 * dim + 4 * heads * headDim + 3 * hiddenDim);
  const parts = {
    products: products / rate * 1000,
    attention: attention / (assumptions.matmulFractions.f32 / 2 *
      assumptions.fmaGFlops * 1e9) *
      1000,
    activations: activationBytes / (streamGBs * 1e9) * 1000,
    steps: (9 * layers + 3) * stepUs / 1000,
  };
  const ideal = (products + attention) / (peak * 1e9) * 1000;
  return summarize(parts, tokens, (ms) => ideal / ms);
}

function summarize(
  parts: Record<string, number>,
  tokens: number,
  fractionOf: (ms: number) => number,
): Expectation {
  const ms = Object.values(parts).reduce((sum, part) => sum + part, 0);
  const tokensPerSecond = tokens / ms * 1000;
  return { parts, ms, tokensPerSecond, fraction: fractionOf(ms) };
}
