import type { BufferPool } from "../gpu/buffers.ts";
import type { Gpu } from "../gpu/gpu.ts";
import { MAX_STEPS } from "../kernels/batch.ts";
import { controlBufferBytes } from "../kernels/control.ts";
import { headOctets } from "../kernels/kv_cache.ts";
import { strideOf } from "../kernels/matrix.ts";
import type { Int8Activations } from "../kernels/quantize.ts";
import type { LlamaConfig } from "./config.ts";

/**
 * All activations of a forward step, f32, allocated once and shared by every
 * sequence: one step is recorded and submitted as a whole. A row is padded with
 * zeros to whole blocks of 32.
 */
export interface LlamaState {
  /** Rows of a prompt that one step takes. */
  readonly batch: number;
  /** Rows whose logits one step can give. */
  readonly headRows: number;
  /** What to compute in the next step; see `kernels/control.ts`. */
  readonly control: GPUBuffer;
  /** Where rows stand that branch, `[batch]` vec2u; see `branches.wgsl`. */
  readonly branches: GPUBuffer;
  /** Residual stream, `[batch, dim]`. */
  readonly x: GPUBuffer;
  /** Input of the next matrix, `[batch, dim]`. */
  readonly normed: GPUBuffer;
  /** Heads of q, of k, of v, `[batch, (heads + 2 * kvHeads) * headDim]`. */
  readonly qkv: GPUBuffer;
  /** Rotated q, `[batch, heads, 2 * octets]` vec4f. */
  readonly q: GPUBuffer;
  /** Output of attention, `[batch, heads * headDim]`. */
  readonly attn: GPUBuffer;
  /** Gate, then up, `[batch, 2 * hiddenDim]`. */
  readonly gateUp: GPUBuffer;
  /** Gated activation, `[batch, hiddenDim]`. */
  readonly hidden: GPUBuffer;
  /** `[headRows, vocabularySize]` */
  readonly logits: GPUBuffer;
  /** The ids that the steps of a chunk chose, `[MAX_CHUNK]` u32. */
  readonly chosen: GPUBuffer;
  /** The input of the next matrix as whole numbers, where it is rounded. */
  readonly int8: Int8Activations | undefined;
}

/** Most tokens that are chosen before they are read back. */
export const MAX_CHUNK = 64;

/** Most bytes of logits that are computed and read back at once. */
const LOGITS_BYTES = 16 * 2 ** 20;

/** Floats from one row of q, k and v to the next. */
export function qkvDim({ heads, kvHeads, headDim }: LlamaConfig): number {
  return (heads + 2 * kvHeads) * headDim;
}

/**
 * Allocates the activations.
 *
 * @param gpu The device.
 * @param pool The owner of the buffers.
 * @param options The shape, the most rows of a step, and whether the input of
 * products is rounded to 8 bits.
 * @returns The activations, for fewer rows where the device's bindings are
 * too small for `batch`.
 */
export function createState(
  gpu: Gpu,
  pool: BufferPool,
  { config, batch, int8 = false }: {
    config: LlamaConfig;
    batch: number;
    int8?: boolean;
  },
): LlamaState {
  const { dim, hiddenDim, heads, headDim, vocabularySize } = config;
  const { maxBufferSize, maxStorageBufferBindingSize } = gpu.device.limits;
  const limit = Math.min(maxBufferSize, maxStorageBufferBindingSize);
  const qWidth = heads * headOctets(headDim) * 8;
  const inputWidth = Math.max(
    strideOf(dim),
    strideOf(heads * headDim),
    strideOf(hiddenDim),
  );
  const widest = Math.max(
    strideOf(dim),
    qkvDim(config),
    qWidth,
    strideOf(heads * headDim),
    2 * hiddenDim,
    strideOf(hiddenDim),
  );
  const fitting = (bytes: number, width: number) =>
    Math.floor(bytes / (4 * width));
  // Some kernels take a workgroup a row.
  const { maxComputeWorkgroupsPerDimension: most } = gpu.device.limits;
  const fittingBatch = Math.min(batch, most, fitting(limit, widest));
  // Guesses are checked together, however small the batches of a prompt.
  const rows = Math.max(MAX_STEPS, fittingBatch);
  const logitsBytes = Math.min(LOGITS_BYTES, limit);
  const headRows = Math.max(
    MAX_STEPS,
    Math.min(rows, fitting(logitsBytes, vocabularySize)),
  );
  const floats = (label: string, width: number, count = rows) =>
    pool.create({ label, size: 4 * count * width });
  return {
    batch: Math.max(1, fittingBatch),
    headRows,
    control: pool.create({
      label: "control",
      size: controlBufferBytes(rows),
      usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.STORAGE |
        GPUBufferUsage.COPY_DST,
    }),
    branches: floats("branches", 2),
    x: floats("x", strideOf(dim)),
    normed: floats("normed", strideOf(dim)),
    qkv: floats("qkv", qkvDim(config)),
    q: floats("q", qWidth),
    attn: floats("attn", strideOf(heads * headDim)),
    gateUp: floats("gate_up", 2 * hiddenDim),
    hidden: floats("hidden", strideOf(hiddenDim)),
    logits: floats("logits", vocabularySize, headRows),
    chosen: floats("chosen", 1, MAX_CHUNK),
    int8: int8
      ? {
        quants: floats("int8.quants", inputWidth / 4),
        scales: floats("int8.scales", inputWidth / 8),
      }
      : undefined,
  };
}
