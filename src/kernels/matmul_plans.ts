import {
  type Binding,
  compileKernel,
  type KernelScope,
} from "../gpu/kernel.ts";
import tileCode from "./matmul.wgsl" with { type: "text" };
import broadcastCode from "./matmul_broadcast.wgsl" with { type: "text" };
import tileF32Code from "./matmul_f32.wgsl" with { type: "text" };
import tileInt8Code from "./matmul_int8.wgsl" with { type: "text" };
import sharedCode from "./matmul_shared.wgsl" with { type: "text" };
import type { Matrix } from "./matrix.ts";
import { codecCode } from "./quant/codec.ts";
import { type MatmulVariant, matmulVariants } from "./variants.ts";

/** Buffers of one `Matmul` dispatch. */
export interface MatmulBuffers {
  /** Input, `[batch, stride]` f32, zero from `cols` on; or its int8. */
  x: Binding;
  /** Scales of the input where it is int8; see `quantize.ts`. */
  xScales?: Binding;
  /** Output, `[batch, yStride]` f32, written from column `offset` on. */
  y: Binding;
  /** The batch; see `batch.ts`. */
  batch: Binding;
}

/** Options for {@linkcode createMatmul}. */
export interface MatmulOptions {
  /** Floats from one row of the output to the next. */
  yStride: number;
  /** Whether the product is added to the output. Defaults to `false`. */
  accumulate?: boolean;
  /** First column of the output. Defaults to 0. */
  offset?: number;
  /** Whether the input is 8-bit whole numbers. Defaults to `false`. */
  int8?: boolean | undefined;
  /** How the work is cut up. Defaults to the first of `matmulVariants()`. */
  variant?: MatmulVariant | undefined;
}

/** A variant's pipeline, and how it is dispatched over a part of the rows. */
export interface MatmulPlan {
  /** The pipeline. */
  pipeline: GPUComputePipeline;
  /** Rows of weights that a workgroup takes. */
  rows: number;
  /** Rows of the batch that a workgroup takes. */
  batchRows: number;
  /** The kernel's own bindings, from binding 2 on. */
  bindings(buffers: MatmulBuffers, params: Binding): (Binding | undefined)[];
}

/**
 * Compiles a variant of a matrix-matrix product.
 *
 * @param scope The device.
 * @param w The weights; their format and shape.
 * @param options The variant, and how the product is written.
 * @returns How to dispatch it.
 */
export function createMatmulPlan(
  scope: KernelScope,
  w: Matrix,
  options: MatmulOptions,
): Promise<MatmulPlan> {
  const { int8 = false } = options;
  const variant = options.variant ??
    matmulVariants(scope.gpu, { int8 })[0]!;
  switch (variant.kind) {
    case "tile":
      return tilePlan(scope, w, { ...options, variant });
    case "broadcast":
      return broadcastPlan(scope, w, options);
  }
}

/** See `matmul.wgsl`. */
async function tilePlan(
  { gpu }: KernelScope,
  { codec }: Matrix,
  { accumulate = false, int8 = false, variant: { name, tx, ty } }:
    & MatmulOptions
    & { variant: MatmulVariant & { kind: "tile" } },
): Promise<MatmulPlan> {
  const quads = int8 ? 3 : 9; // a row in workgroup memory
  const pipeline = await compileKernel(gpu, {
    label: `matmul${int8 ? "_int8" : ""}.${codec.name}.${name}`,
    code: [
      ...codecCode(codec),
      sharedCode,
      int8 ? tileInt8Code : tileF32Code,
      tileCode,
    ],
    constants: {
      ...(int8 && { W_SCALES: 8 * tx, X_SCALES: 4 * ty }),
      W_TILE: 8 * tx * quads,
      X_TILE: 4 * ty * quads,
      TX: tx,
      TY: ty,
      LANES: tx * ty,
      ACCUMULATE: accumulate ? 1 : 0,
    },
  });
  return {
    pipeline,
    rows: 8 * tx,
    batchRows: 4 * ty,
    bindings({ x, xScales, y, batch }, params) {
      return [x, y, params, batch, xScales];
    },
  };
}

/** See `matmul_broadcast.wgsl`. */
async function broadcastPlan(
  { gpu }: KernelScope,
  { codec }: Matrix,
  { accumulate = false }: MatmulOptions,
): Promise<MatmulPlan> {
  const SUBGROUP = gpu.subgroupSize;
  const pipeline = await compileKernel(gpu, {
    label: `matmul.${codec.name}.broadcast`,
    code: [gpu.subgroupPrelude, ...codecCode(codec), sharedCode, broadcastCode],
    constants: { SUBGROUP, ACCUMULATE: accumulate ? 1 : 0 },
  });
  return {
    pipeline,
    rows: 4 * SUBGROUP,
    batchRows: 8,
    bindings: ({ x, y, batch }, params) => [x, y, params, batch],
  };
}
