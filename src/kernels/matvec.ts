import { type BufferPool, floatBits } from "../gpu/buffers.ts";
import {
  type Binding,
  compileKernel,
  grid,
  type KernelScope,
  workgroupSize,
} from "../gpu/kernel.ts";
import type { Gpu } from "../gpu/gpu.ts";
import plainCode from "./activations.wgsl" with { type: "text" };
import normCode from "./activations_norm.wgsl" with { type: "text" };
import type { BatchKernel } from "./batch.ts";
import { bindWeights, type Matrix } from "./matrix.ts";
import code from "./matvec.wgsl" with { type: "text" };
import swigluCode from "./matvec_swiglu.wgsl" with { type: "text" };
import { codecCode } from "./quant/codec.ts";
import subgroupCode from "./reduce_subgroup.wgsl" with { type: "text" };
import treeCode from "./reduce_tree.wgsl" with { type: "text" };

/** Buffers of one {@linkcode Matvec} dispatch. */
export interface MatvecBuffers {
  /** Input, `[stride]` f32, zero from `cols` on. */
  x: Binding;
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

/** Options for {@linkcode createMatvec}. */
export interface MatvecOptions {
  /** Whether the product is added to the output. Defaults to `false`. */
  accumulate?: boolean;
  /** First column of the output. Defaults to 0. */
  offset?: number;
  /** Normalizes the input in passing. Defaults to not at all. */
  norm?: FoldedNorm | undefined;
}

/** Matrix-vector product. */
export interface Matvec {
  /** Binds the kernel to fixed buffers; it works on one row. */
  bind(buffers: MatvecBuffers): BatchKernel;
}

/** Rows that a run of lanes works on at once. */
const RUN_ROWS = 4;

/**
 * Compiles `y = w x`, or `y += w x`.
 *
 * @param scope The device and the owner of the parameters.
 * @param w The weights, `[rows, cols]`.
 * @param options Where and how the product is written.
 * @returns The compiled kernel.
 */
export async function createMatvec(
  { gpu, pool }: KernelScope,
  w: Matrix,
  options: MatvecOptions = {},
): Promise<Matvec> {
  const { accumulate = false, offset = 0, norm } = options;
  const shape = workgroupShape(gpu, w);
  const front = activations(pool, norm);
  const pipeline = await compileKernel(gpu, {
    label: `matvec${front.label}.${w.codec.name}.${shape.reduce}`,
    code: [shape.prelude, ...codecCode(w.codec), front.code, code],
    constants: { ...shape.constants, ACCUMULATE: accumulate ? 1 : 0 },
  });
  const limit = gpu.device.limits.maxComputeWorkgroupsPerDimension;
  return {
    bind({ x, y, normWeight }) {
      const dispatches = w.parts.map((part) => ({
        group: bindWeights(gpu, pipeline, { codec: w.codec, part }, [
          x,
          y,
          pool.uniform([part.rows, w.blocks, offset + part.firstRow]),
          normWeight,
          front.params,
        ]),
        grid: grid(Math.ceil(part.rows / RUN_ROWS / shape.runs), limit),
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
 * @param options Whether the input is normalized.
 * @returns The compiled kernel, which writes `[rows]`.
 */
export async function createMatvecSwiglu(
  { gpu, pool }: KernelScope,
  w: Matrix,
  { norm }: Pick<MatvecOptions, "norm"> = {},
): Promise<Matvec> {
  const [part, ...rest] = w.parts;
  if (part === undefined || rest.length > 0 || w.rows % 2 !== 0) {
    throw new RangeError(
      `Cannot create matvec_swiglu: gate and up are ${w.rows} rows in ${w.parts.length} parts, an even number in one part is wanted`,
    );
  }
  const shape = workgroupShape(gpu, w);
  const front = activations(pool, norm);
  const pipeline = await compileKernel(gpu, {
    label: `matvec_swiglu${front.label}.${w.codec.name}.${shape.reduce}`,
    code: [shape.prelude, ...codecCode(w.codec), front.code, swigluCode],
    constants: shape.constants,
  });
  const limit = gpu.device.limits.maxComputeWorkgroupsPerDimension;
  const [gridX, gridY] = grid(
    Math.ceil(w.rows / RUN_ROWS / shape.runs),
    limit,
  );
  const params = pool.uniform([w.rows / 2, w.blocks, 0]);
  return {
    bind({ x, y, normWeight }) {
      const own = [x, y, params, normWeight, front.params];
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

/** The code that reads the input, and the parameters of its norm. */
function activations(pool: BufferPool, norm: FoldedNorm | undefined) {
  if (norm === undefined) {
    return { label: "", code: plainCode, params: undefined };
  }
  const params = pool.uniform([floatBits(norm.dim), floatBits(norm.eps)]);
  return { label: "_norm", code: normCode, params };
}

/** How the lanes of a workgroup are shared among rows. */
function workgroupShape(gpu: Gpu, { blocks }: Matrix) {
  const WORKGROUP_SIZE = workgroupSize(gpu);
  const subgroups = gpu.subgroupSize > 0;
  const most = subgroups ? Math.min(gpu.subgroupSize, WORKGROUP_SIZE) : 32;
  // Lanes without a block of their own would only wait.
  const LANES = Math.min(
    2 ** Math.floor(Math.log2(Math.max(1, blocks))),
    most,
    WORKGROUP_SIZE,
  );
  return {
    reduce: subgroups ? "subgroup" : "tree",
    prelude: subgroups ? gpu.subgroupPrelude + subgroupCode : treeCode,
    constants: { WORKGROUP_SIZE, LANES },
    runs: WORKGROUP_SIZE / LANES,
  };
}
