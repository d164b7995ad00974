import {
  type Binding,
  compileKernel,
  type KernelScope,
} from "../gpu/kernel.ts";
import type { BatchKernel } from "./batch.ts";
import { bindWeights, type Matrix } from "./matrix.ts";
import code from "./matmul.wgsl" with { type: "text" };
import { codecCode } from "./quant/codec.ts";

/** Buffers of one {@linkcode Matmul} dispatch. */
export interface MatmulBuffers {
  /** Input, `[batch, stride]` f32, zero from `cols` on. */
  x: Binding;
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
}

/** Matrix-matrix product. */
export interface Matmul {
  /** Binds the kernel to fixed buffers. */
  bind(buffers: MatmulBuffers): BatchKernel;
}

const TILE_ROWS = 64;
const TILE_BATCH = 32;

/**
 * Compiles `y = x w^T`, or `y += x w^T`.
 *
 * @param scope The device and the owner of the parameters.
 * @param w The weights, `[rows, cols]`.
 * @param options Where and how the product is written.
 * @returns The compiled kernel.
 */
export async function createMatmul(
  { gpu, pool }: KernelScope,
  w: Matrix,
  options: MatmulOptions,
): Promise<Matmul> {
  const { yStride, accumulate = false, offset = 0 } = options;
  const pipeline = await compileKernel(gpu, {
    label: `matmul.${w.codec.name}`,
    code: [...codecCode(w.codec), code],
    constants: { ACCUMULATE: accumulate ? 1 : 0 },
  });
  return {
    bind({ x, y, batch }) {
      const dispatches = w.parts.map((part) => ({
        group: bindWeights(gpu, pipeline, { codec: w.codec, part }, [
          x,
          y,
          pool.uniform([part.rows, w.blocks, offset + part.firstRow, yStride]),
          batch,
        ]),
        tiles: Math.ceil(part.rows / TILE_ROWS),
      }));
      return (pass, rows) => {
        pass.setPipeline(pipeline);
        for (const { group, tiles } of dispatches) {
          pass.setBindGroup(0, group);
          pass.dispatchWorkgroups(tiles, Math.ceil(rows / TILE_BATCH));
        }
      };
    },
  };
}
