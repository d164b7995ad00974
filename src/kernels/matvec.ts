import { type Binding, grid, type KernelScope } from "../gpu/kernel.ts";
import type { BatchKernel } from "./batch.ts";
import { bindWeights, type Matrix } from "./matrix.ts";
import {
  compileMatvec,
  type FoldedNorm,
  type MatvecInput,
  type MatvecPipeline,
  pipelineFor,
} from "./matvec_pipelines.ts";

export type { FoldedNorm, MatvecInput };

/** Buffers of one {@linkcode Matvec} dispatch. */
export interface MatvecBuffers {
  /** Input, `[steps, stride]` f32, zero from `cols` on; or its int8. */
  x: Binding;
  /** Scales of the input where it is int8; see `quantize.ts`. */
  xScales?: Binding;
  /** Output, `[steps, yStride]` f32, written from column `offset` on. */
  y: Binding;
  /** Scale of the norm, `[stride]` f32, where the kernel has one. */
  normWeight?: Binding;
  /** The batch, where it may have more than one row; see `batch.ts`. */
  batch?: Binding;
}

/** Options for {@linkcode createMatvec}. */
export interface MatvecOptions extends MatvecInput {
  /** Whether the product is added to the output. Defaults to `false`. */
  accumulate?: boolean;
  /** First column of the output. Defaults to 0. */
  offset?: number;
  /** Floats from one row of the output to the next. Defaults to one row's. */
  yStride?: number;
}

/** Options for {@linkcode createMatvecSwiglu}. */
export interface MatvecSwigluOptions extends MatvecInput {
  /** Floats from one row of the output to the next. Defaults to one row's. */
  yStride?: number;
}

/** Matrix-vector product. */
export interface Matvec {
  /** Binds the kernel to fixed buffers; it works on 1 to `steps` rows. */
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
  const { accumulate = false, offset = 0 } = options;
  const { yStride = offset + w.rows } = options;
  const output = { accumulate };
  const pipelines = await compileMatvec(scope, w, { ...options, output });
  const parts = w.parts.map((part) => ({
    part,
    rows: part.rows,
    params: [part.rows, w.blocks, offset + part.firstRow, yStride],
  }));
  return {
    bind: (buffers) => bindMatvec(scope, w, { pipelines, parts, buffers }),
  };
}

/**
 * Compiles `y = silu(gate x) * (up x)`, the first half of a feed-forward block.
 *
 * @param scope The device and the owner of the parameters.
 * @param w The gate rows, then the up rows, `[2 * rows, cols]`, in one part.
 * @param options What the input is made of.
 * @returns The compiled kernel, which writes `[steps, rows]`.
 */
export async function createMatvecSwiglu(
  scope: KernelScope,
  w: Matrix,
  options: MatvecSwigluOptions = {},
): Promise<Matvec> {
  const [part, ...rest] = w.parts;
  if (part === undefined || rest.length > 0 || w.rows % 2 !== 0) {
    throw new RangeError(
      `Cannot create matvec_swiglu: gate and up are ${w.rows} rows in ${w.parts.length} parts, an even number in one part is wanted`,
    );
  }
  const rows = w.rows / 2;
  const { yStride = rows } = options;
  const output = "swiglu";
  const pipelines = await compileMatvec(scope, w, { ...options, output });
  const parts = [{ part, rows, params: [rows, w.blocks, 0, yStride] }];
  return {
    bind: (buffers) => bindMatvec(scope, w, { pipelines, parts, buffers }),
  };
}

/** A part of the weights, and the rows that come of it. */
interface BoundPart {
  part: Matrix["parts"][number];
  rows: number;
  params: number[];
}

function bindMatvec(
  { gpu, pool }: KernelScope,
  { codec }: Matrix,
  { pipelines, parts, buffers }: {
    pipelines: readonly MatvecPipeline[];
    parts: readonly BoundPart[];
    buffers: MatvecBuffers;
  },
): BatchKernel {
  const { x, xScales, y, normWeight, batch } = buffers;
  const limit = gpu.device.limits.maxComputeWorkgroupsPerDimension;
  const widths = pipelines.map(
    ({ columns, pipeline, norm, rows: together }) => {
      const dispatches = parts.map(({ part, rows, params }) => {
        const last = columns > 1 ? batch : undefined;
        const own = [x, y, pool.uniform(params), normWeight, xScales ?? norm];
        return {
          group: bindWeights(gpu, pipeline, { codec, part }, [...own, last]),
          grid: grid(Math.ceil(rows / together), limit),
        };
      });
      return { columns, pipeline, dispatches };
    },
  );
  return (pass, rows) => {
    const { pipeline, dispatches } = pipelineFor(widths, rows);
    pass.setPipeline(pipeline);
    for (const { group, grid: [x, y] } of dispatches) {
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(x, y);
    }
  };
}
