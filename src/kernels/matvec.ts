import { type BufferPool, floatBits } from "../gpu/buffers.ts";
import {
  type Binding,
  compileKernel,
  grid,
  type KernelScope,
} from "../gpu/kernel.ts";
import plainCode from "./activations.wgsl" with { type: "text" };
import broadcastCode from "./activations_broadcast.wgsl" with { type: "text" };
import broadcastNormCode from "./activations_broadcast_norm.wgsl" with {
  type: "text",
};
import int8Code from "./activations_int8.wgsl" with { type: "text" };
import normCode from "./activations_norm.wgsl" with { type: "text" };
import type { BatchKernel } from "./batch.ts";
import broadcast from "./broadcast.wgsl" with { type: "text" };
import { bindWeights, type Matrix } from "./matrix.ts";
import code from "./matvec.wgsl" with { type: "text" };
import rowsCode from "./matvec_rows.wgsl" with { type: "text" };
import swigluCode from "./matvec_swiglu.wgsl" with { type: "text" };
import { codecCode } from "./quant/codec.ts";
import { type MatvecVariant, matvecVariants, reduction } from "./variants.ts";

/** Buffers of one {@linkcode Matvec} dispatch. */
export interface MatvecBuffers {
  /** Input, `[stride]` f32, zero from `cols` on; or its int8. */
  x: Binding;
  /** Scales of the input where it is int8; see `quantize.ts`. */
  xScales?: Binding;
  /** Output, f32, written from `offset` on. */
  y: Binding;
  /** Scale of the norm, `[stride]` f32, where the kernel has one. */
  normWeight?: Binding;
}

/** RMSNorm of a product's input, folded into the product. */
export interface FoldedNorm {
  /** Length of the input. */
  dim: number;
  /** Added to the mean square. */
  eps: number;
}

/** What the input of a product is made of. */
export interface MatvecInput {
  /** Normalizes an f32 input in passing. Defaults to not at all. */
  norm?: FoldedNorm | undefined;
  /** Whether the input is 8-bit whole numbers. Defaults to `false`. */
  int8?: boolean;
  /** How the work is cut up. Defaults to the first of `matvecVariants()`. */
  variant?: MatvecVariant | undefined;
}

/** Options for {@linkcode createMatvec}. */
export interface MatvecOptions extends MatvecInput {
  /** Whether the product is added to the output. Defaults to `false`. */
  accumulate?: boolean;
  /** First column of the output. Defaults to 0. */
  offset?: number;
}

/** Matrix-vector product. */
export interface Matvec {
  /** Binds the kernel to fixed buffers; it works on one row. */
  bind(buffers: MatvecBuffers): BatchKernel;
}

/**
 * Compiles `y = w x`, or `y += w x`.
 *
 * @param scope The device and the owner of the parameters.
 * @param w The weights, `[rows, cols]`.
 * @param options Where and how the product is written.
 * @returns The compiled kernel.
 */
export async function createMatvec(
  scope: KernelScope,
  w: Matrix,
  options: MatvecOptions = {},
): Promise<Matvec> {
  const { gpu, pool } = scope;
  const { accumulate = false, offset = 0 } = options;
  const { pipeline, front, runs, rows } = await compile(scope, w, {
    ...options,
    label: "matvec",
    code: rowsCode,
    constants: { ACCUMULATE: accumulate ? 1 : 0 },
  });
  const limit = gpu.device.limits.maxComputeWorkgroupsPerDimension;
  return {
    bind({ x, xScales, y, normWeight }) {
      const dispatches = w.parts.map((part) => ({
        group: bindWeights(gpu, pipeline, { codec: w.codec, part }, [
          x,
          y,
          pool.uniform([part.rows, w.blocks, offset + part.firstRow]),
          normWeight,
          xScales ?? front.params,
        ]),
        grid: grid(Math.ceil(part.rows / rows / runs), limit),
      }));
      return (pass) => {
        pass.setPipeline(pipeline);
        for (const { group, grid: [x, y] } of dispatches) {
          pass.setBindGroup(0, group);
          pass.dispatchWorkgroups(x, y);
        }
      };
    },
  };
}

/**
 * Compiles `y = silu(gate x) * (up x)`, the first half of a feed-forward block.
 *
 * @param scope The device and the owner of the parameters.
 * @param w The gate rows, then the up rows, `[2 * rows, cols]`, in one part.
 * @param options What the input is made of.
 * @returns The compiled kernel, which writes `[rows]`.
 */
export async function createMatvecSwiglu(
  scope: KernelScope,
  w: Matrix,
  options: MatvecInput = {},
): Promise<Matvec> {
  const [part, ...rest] = w.parts;
  if (part === undefined || rest.length > 0 || w.rows % 2 !== 0) {
    throw new RangeError(
      `Cannot create matvec_swiglu: gate and up are ${w.rows} rows in ${w.parts.length} parts, an even number in one part is wanted`,
    );
  }
  const { gpu, pool } = scope;
  const variant = options.variant ?? matvecVariants(gpu, w, options)[0]!;
  // A run takes as many gate rows as up rows.
  const PAIRS = Math.max(1, variant.rows / 2);
  const { pipeline, front, runs } = await compile(scope, w, {
    ...options,
    variant: { ...variant, rows: 2 * PAIRS },
    label: "matvec_swiglu",
    code: swigluCode,
    constants: { PAIRS },
  });
  const limit = gpu.device.limits.maxComputeWorkgroupsPerDimension;
  const rows = w.rows / 2;
  const [gridX, gridY] = grid(Math.ceil(rows / PAIRS / runs), limit);
  const params = pool.uniform([rows, w.blocks, 0]);
  return {
    bind({ x, xScales, y, normWeight }) {
      const own = [x, y, params, normWeight, xScales ?? front.params];
      const weights = { codec: w.codec, part };
      const group = bindWeights(gpu, pipeline, weights, own);
      return (pass) => {
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group);
        pass.dispatchWorkgroups(gridX, gridY);
      };
    },
  };
}

/** A product's pipeline, and how many runs of rows a workgroup takes. */
async function compile(
  { gpu, pool }: KernelScope,
  w: Matrix,
  { label, code: last, constants, variant, ...input }: MatvecInput & {
    label: string;
    code: string;
    constants: Record<string, number>;
  },
) {
  const chosen = variant ?? matvecVariants(gpu, w, input)[0]!;
  const { name, rows, workgroup, lanes, unroll, subgroups } = chosen;
  const front = activations(pool, { ...input, variant: chosen });
  const pipeline = await compileKernel(gpu, {
    label: `${label}${front.label}.${w.codec.name}.${name}`,
    code: [
      reduction(gpu, subgroups),
      ...codecCode(w.codec),
      front.code,
      last,
      code,
    ],
    constants: {
      ...constants,
      WORKGROUP_SIZE: workgroup,
      LANES: lanes,
      ROWS: rows,
      UNROLL: unroll,
    },
  });
  return { pipeline, front, runs: workgroup / lanes, rows };
}

/** The code that reads the input, and the parameters of its norm. */
function activations(
  pool: BufferPool,
  { norm, int8 = false, variant }: MatvecInput,
): { label: string; code: string; params: Binding | undefined } {
  if (int8) return { label: "_int8", code: int8Code, params: undefined };
  const round = variant?.broadcast ?? false;
  if (norm === undefined) {
    const code = round ? broadcast + broadcastCode : plainCode;
    return { label: "", code, params: undefined };
  }
  const params = pool.uniform([floatBits(norm.dim), floatBits(norm.eps)]);
  const code = round ? broadcast + broadcastNormCode : normCode;
  return { label: "_norm", code, params };
}
