import type { KernelScope } from "../../gpu/kernel.ts";
import { createEmbed } from "../embed.ts";
import { createMatmul } from "../matmul.ts";
import {
  createMatvec,
  createMatvecSwiglu,
  type FoldedNorm,
} from "../matvec.ts";
import * as oracle from "../oracle.ts";
import type { Codec } from "../quant/codec.ts";
import { createQuantize } from "../quantize.ts";
import { createRmsNorm } from "../rms_norm.ts";
import { createSwiglu } from "../swiglu.ts";
import type { MatmulVariant, MatvecVariant } from "../variants.ts";
import {
  BATCH,
  batch,
  COLS,
  compare,
  output,
  randomFloats,
  randomMatrix,
  ROWS,
  submit,
  upload,
} from "./inputs.ts";

/** Rows of an embedding, which must come out exactly. Returns the error. */
export async function testEmbed(
  scope: KernelScope,
  codec: Codec,
): Promise<number> {
  const { matrix, weights } = await randomMatrix(scope, codec, ROWS);
  const tokens = Uint32Array.of(3, ROWS - 1, 0, 3, 17);
  const y = output(scope, BATCH * COLS);
  const kernel = (await createEmbed(scope, matrix))
    .bind({ tokens: upload(scope, tokens), y, batch: batch(scope) });
  const expected = [...tokens].flatMap((token) =>
    Array.from(weights.subarray(token * COLS, (token + 1) * COLS))
  );
  return await compare(scope, (pass) => kernel(pass, BATCH), y, expected);
}

/** What a product is tested with. */
export interface ProductTest<Variant> {
  /** The variant. Defaults to the one that is taken untried. */
  variant?: Variant | undefined;
  /** Whether its input is int8. Defaults to `false`. */
  int8?: boolean | undefined;
}

/** The norm that is folded into products of f32. */
const NORM: FoldedNorm = { dim: COLS, eps: 1e-5 };

/** A matrix-vector product, behind a norm or without. Returns the error. */
export async function testMatvec(
  scope: KernelScope,
  codec: Codec,
  options: ProductTest<MatvecVariant> & { normed?: boolean } = {},
): Promise<number> {
  const { matrix, weights } = await randomMatrix(scope, codec, ROWS);
  const { buffers, values, norm } = await vectorInput(scope, options);
  const y = output(scope, ROWS);
  const kernel = (await createMatvec(scope, matrix, { ...options, norm }))
    .bind({ ...buffers, y });
  const expected = oracle.matmul(weights, values, { rows: ROWS, cols: COLS });
  return await compare(scope, (pass) => kernel(pass, 1), y, expected);
}

/** A gated matrix-vector product, behind a norm or without. Returns the error. */
export async function testMatvecSwiglu(
  scope: KernelScope,
  codec: Codec,
  options: ProductTest<MatvecVariant> & { normed?: boolean } = {},
): Promise<number> {
  const { matrix, weights } = await randomMatrix(scope, codec, 2 * ROWS);
  const { buffers, values, norm } = await vectorInput(scope, options);
  const y = output(scope, ROWS);
  const kernel = (await createMatvecSwiglu(scope, matrix, { ...options, norm }))
    .bind({ ...buffers, y });
  const shape = { rows: 2 * ROWS, cols: COLS };
  const both = oracle.matmul(weights, values, shape);
  const expected = oracle.swiglu(both.subarray(0, ROWS), both.subarray(ROWS));
  return await compare(scope, (pass) => kernel(pass, 1), y, expected);
}

/** A matrix-matrix product. Returns the error. */
export async function testMatmul(
  scope: KernelScope,
  codec: Codec,
  options: ProductTest<MatmulVariant> = {},
): Promise<number> {
  const { matrix, weights } = await randomMatrix(scope, codec, ROWS);
  const x = randomFloats(BATCH * COLS, 5);
  const y = output(scope, BATCH * ROWS);
  const { buffers, values } = await productInput(scope, x, options);
  const kernel = await createMatmul(scope, matrix, {
    ...options,
    yStride: ROWS,
    maxBatch: BATCH,
  });
  const bound = kernel.bind({ ...buffers, y, batch: batch(scope) });
  const expected = oracle.matmul(weights, values, { rows: ROWS, cols: COLS });
  return await compare(scope, (pass) => bound(pass, BATCH), y, expected);
}

/** One row of input, and what its norm or its rounding makes of it. */
async function vectorInput(
  scope: KernelScope,
  { normed = false, int8 = false }: {
    normed?: boolean;
    int8?: boolean | undefined;
  },
) {
  const x = randomFloats(COLS, 5);
  if (!normed) {
    return { ...await productInput(scope, x, { int8 }), norm: undefined };
  }
  const weight = randomFloats(COLS, 6);
  const values = oracle.rmsNorm(x, weight, NORM.eps);
  const buffers = { x: upload(scope, x), normWeight: upload(scope, weight) };
  return { buffers, values, norm: NORM };
}

/** Rows of input, and what rounding makes of them. */
async function productInput(
  scope: KernelScope,
  x: Float32Array<ArrayBuffer>,
  { int8 = false }: { int8?: boolean | undefined },
) {
  const floats = upload(scope, x);
  if (!int8) return { buffers: { x: floats }, values: x };
  const quants = output(scope, x.length / 4);
  const scales = output(scope, x.length / 8);
  const quantize = (await createQuantize(scope, { dim: COLS }))
    .bind({ x: floats, quants, scales, batch: batch(scope) });
  submit(scope, (pass) => quantize(pass, x.length / COLS));
  const values = oracle.roundToInt8(x, { cols: COLS });
  return { buffers: { x: quants, xScales: scales }, values };
}

/** RMSNorm of a batch. Returns the error. */
export async function testRmsNorm(scope: KernelScope): Promise<number> {
  const eps = 1e-5;
  const x = randomFloats(BATCH * COLS, 5);
  const weight = randomFloats(COLS, 6);
  const y = output(scope, BATCH * COLS);
  const kernel = (await createRmsNorm(scope, { dim: COLS, eps })).bind({
    x: upload(scope, x),
    weight: upload(scope, weight),
    y,
    batch: batch(scope),
  });
  const expected = oracle.rmsNorm(x, weight, eps);
  return await compare(scope, (pass) => kernel(pass, BATCH), y, expected);
}

/** The gated activation of a batch. Returns the error. */
export async function testSwiglu(scope: KernelScope): Promise<number> {
  const x = randomFloats(BATCH * 2 * COLS, 5);
  const y = output(scope, BATCH * COLS);
  const shape = { dim: COLS, xStride: 2 * COLS, yStride: COLS };
  const kernel = (await createSwiglu(scope, shape))
    .bind({ x: upload(scope, x), y, batch: batch(scope) });
  const expected = Array.from({ length: BATCH }, (_, m) => {
    const row = x.subarray(m * 2 * COLS, (m + 1) * 2 * COLS);
    return [...oracle.swiglu(row.subarray(0, COLS), row.subarray(COLS))];
  }).flat();
  return await compare(scope, (pass) => kernel(pass, BATCH), y, expected);
}
