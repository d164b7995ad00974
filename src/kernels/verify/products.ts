import type { KernelScope } from "../../gpu/kernel.ts";
import { createMatmul } from "../matmul.ts";
import {
  createMatvec,
  createMatvecSwiglu,
  type FoldedNorm,
} from "../matvec.ts";
import * as oracle from "../oracle.ts";
import { BLOCK, type Codec } from "../quant/codec.ts";
import { createQuantize } from "../quantize.ts";
import type { MatmulVariant, MatvecVariant } from "../variants.ts";
import {
  batch,
  compare,
  output,
  randomFloats,
  randomMatrix,
  submit,
  upload,
} from "./inputs.ts";

/** What a product is tested with. */
export interface ProductTest<Variant> {
  /** The variant. */
  variant: Variant;
  /** Whether its input is int8. */
  int8: boolean;
}

/** Options for {@linkcode testMatvec}. */
export interface MatvecTest extends ProductTest<MatvecVariant> {
  /** Whether a norm stands before it. Defaults to `false`. */
  normed?: boolean;
  /** Whether it is added to its output, from a column on. Defaults to `false`. */
  accumulate?: boolean;
}

/** Columns of the output that come before a sum. */
export const OFFSET = 3;
const EPS = 1e-5;

/**
 * A matrix-vector product: more than one workgroup of rows, and more than two
 * rounds of each lane's loop. Returns the error.
 */
export async function testMatvec(
  scope: KernelScope,
  codec: Codec,
  { normed = false, accumulate = false, ...options }: MatvecTest,
): Promise<number> {
  const { variant } = options;
  const shape = matvecShape(codec, variant);
  const { matrix, weights } = await randomMatrix(scope, codec, shape);
  const input = await vectorInput(scope, { ...shape, ...options, normed });
  const { y, offset, expect } = sumOutput(scope, shape.rows, accumulate);
  const kernel = (await createMatvec(scope, matrix, {
    ...options,
    accumulate,
    offset,
    norm: input.norm,
  })).bind({ ...input.buffers, y });
  const expected = expect(oracle.matmul(weights, input.values, shape));
  return await compare(scope, (pass) => kernel(pass, 1), y, expected);
}

/** A gated matrix-vector product, of the same shape. Returns the error. */
export async function testMatvecSwiglu(
  scope: KernelScope,
  codec: Codec,
  { normed = false, ...options }: MatvecTest,
): Promise<number> {
  const { rows, cols } = matvecShape(codec, options.variant);
  const shape = { rows: 2 * rows, cols };
  const { matrix, weights } = await randomMatrix(scope, codec, shape);
  const input = await vectorInput(scope, { ...shape, ...options, normed });
  const y = output(scope, rows);
  const kernel = (await createMatvecSwiglu(scope, matrix, {
    ...options,
    norm: input.norm,
  })).bind({ ...input.buffers, y });
  const both = oracle.matmul(weights, input.values, shape);
  const expected = oracle.swiglu(both.subarray(0, rows), both.subarray(rows));
  return await compare(scope, (pass) => kernel(pass, 1), y, expected);
}

/** Options for {@linkcode testMatmul}. */
export interface MatmulTest extends ProductTest<MatmulVariant> {
  /** Whether it is added to its output, from a column on. Defaults to `false`. */
  accumulate?: boolean;
}

/**
 * A matrix-matrix product: a tile, and one more row and batch row. Returns the
 * error.
 */
export async function testMatmul(
  scope: KernelScope,
  codec: Codec,
  { accumulate = false, ...options }: MatmulTest,
): Promise<number> {
  const { variant, int8 } = options;
  const { rows, cols, count } = matmulShape(scope, codec, variant);
  const shape = { rows, cols };
  const { matrix, weights } = await randomMatrix(scope, codec, shape);
  const x = randomFloats(count * cols, 5);
  const input = await productInput(scope, x, { cols, int8 });
  const { y, offset, expect } = sumOutput(scope, rows, accumulate, count);
  const kernel = (await createMatmul(scope, matrix, {
    ...options,
    accumulate,
    offset,
    yStride: offset + rows,
  })).bind({ ...input.buffers, y, batch: batch(scope, count) });
  const expected = expect(oracle.matmul(weights, input.values, shape));
  return await compare(scope, (pass) => kernel(pass, count), y, expected);
}

/** A shape that takes a variant through all of its code. */
export function matvecShape(
  { fileBlock }: Codec,
  { workgroup, lanes, rows, unroll }: MatvecVariant,
): { rows: number; cols: number } {
  const blocks = 2 * lanes * unroll + 3;
  const unit = Math.max(BLOCK, fileBlock.weights);
  return {
    rows: workgroup / lanes * rows + 3,
    cols: Math.ceil(blocks * BLOCK / unit) * unit,
  };
}

function matmulShape(
  { gpu }: KernelScope,
  { fileBlock }: Codec,
  variant: MatmulVariant,
): { rows: number; cols: number; count: number } {
  const cols = Math.max(3 * BLOCK, fileBlock.weights);
  switch (variant.kind) {
    case "tile":
      return { rows: 8 * variant.tx + 1, cols, count: 4 * variant.ty + 1 };
    case "broadcast":
      return { rows: 4 * gpu.subgroupSize + 1, cols, count: 9 };
  }
}

/** The output of a product, or ones that it is added to behind a few columns. */
function sumOutput(
  scope: KernelScope,
  rows: number,
  accumulate: boolean,
  count = 1,
) {
  if (!accumulate) {
    const expect = (product: Float64Array) => product;
    return { y: output(scope, count * rows), offset: 0, expect };
  }
  const stride = OFFSET + rows;
  const length = Math.ceil(count * stride / 4) * 4;
  const y = upload(scope, new Float32Array(length).fill(1));
  const expect = (product: Float64Array) =>
    Float64Array.from({ length: count * stride }, (_, i) => {
      const column = i % stride - OFFSET;
      const row = Math.floor(i / stride) * rows;
      return column < 0 ? 1 : 1 + product[row + column]!;
    });
  return { y, offset: OFFSET, expect };
}

/** Rows of input, and what their norm or their rounding makes of them. */
export async function vectorInput(
  scope: KernelScope,
  { cols, normed, int8, x = randomFloats(cols, 5) }: {
    cols: number;
    normed: boolean;
    int8: boolean;
    x?: Float32Array<ArrayBuffer>;
  },
) {
  if (!normed) {
    const input = await productInput(scope, x, { cols, int8 });
    return { ...input, norm: undefined };
  }
  const weight = randomFloats(cols, 6);
  const values = oracle.rmsNorm(x, weight, EPS);
  const buffers = { x: upload(scope, x), normWeight: upload(scope, weight) };
  const norm: FoldedNorm = { dim: cols, eps: EPS };
  return { buffers, values, norm };
}

/** Rows of input, and what rounding makes of them. */
async function productInput(
  scope: KernelScope,
  x: Float32Array<ArrayBuffer>,
  { cols, int8 }: { cols: number; int8: boolean },
) {
  const floats = upload(scope, x);
  if (!int8) return { buffers: { x: floats }, values: x };
  const rows = x.length / cols;
  const quants = output(scope, x.length / 4);
  const scales = output(scope, x.length / 8);
  const quantize = (await createQuantize(scope, { dim: cols }))
    .bind({ x: floats, quants, scales, batch: batch(scope, rows) });
  submit(scope, (pass) => quantize(pass, rows));
  const values = oracle.roundToInt8(x, { cols });
  return { buffers: { x: quants, xScales: scales }, values };
}
