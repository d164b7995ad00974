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
import { createRmsNorm } from "../rms_norm.ts";
import { createSwiglu } from "../swiglu.ts";
import {
  BATCH,
  batch,
  COLS,
  compare,
  output,
  randomFloats,
  randomMatrix,
  ROWS,
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

/** A matrix-vector product, with a norm before it or without. Returns the error. */
export async function testMatvec(
  scope: KernelScope,
  codec: Codec,
  norm?: FoldedNorm,
): Promise<number> {
  const { matrix, weights } = await randomMatrix(scope, codec, ROWS);
  const { x, normalized, buffers } = vectorInput(scope, norm);
  const y = output(scope, ROWS);
  const kernel = (await createMatvec(scope, matrix, { norm }))
    .bind({ x, y, ...buffers });
  const shape = { rows: ROWS, cols: COLS };
  const expected = oracle.matmul(weights, normalized, shape);
  return await compare(scope, (pass) => kernel(pass, 1), y, expected);
}

/** A gated matrix-vector product, with a norm before it or without. Returns the error. */
export async function testMatvecSwiglu(
  scope: KernelScope,
  codec: Codec,
  norm?: FoldedNorm,
): Promise<number> {
  const { matrix, weights } = await randomMatrix(scope, codec, 2 * ROWS);
  const { x, normalized, buffers } = vectorInput(scope, norm);
  const y = output(scope, ROWS);
  const kernel = (await createMatvecSwiglu(scope, matrix, { norm }))
    .bind({ x, y, ...buffers });
  const shape = { rows: 2 * ROWS, cols: COLS };
  const both = oracle.matmul(weights, normalized, shape);
  const expected = oracle.swiglu(both.subarray(0, ROWS), both.subarray(ROWS));
  return await compare(scope, (pass) => kernel(pass, 1), y, expected);
}

/** The input of a matrix-vector product, and what its norm makes of it. */
function vectorInput(scope: KernelScope, norm: FoldedNorm | undefined) {
  const values = randomFloats(COLS, 5);
  const x = upload(scope, values);
  if (norm === undefined) return { x, normalized: values, buffers: {} };
  const weight = randomFloats(COLS, 6);
  const normalized = oracle.rmsNorm(values, weight, norm.eps);
  return { x, normalized, buffers: { normWeight: upload(scope, weight) } };
}

/** A matrix-matrix product. Returns the error. */
export async function testMatmul(
  scope: KernelScope,
  codec: Codec,
): Promise<number> {
  const { matrix, weights } = await randomMatrix(scope, codec, ROWS);
  const x = randomFloats(BATCH * COLS, 5);
  const y = output(scope, BATCH * ROWS);
  const kernel = (await createMatmul(scope, matrix, { yStride: ROWS }))
    .bind({ x: upload(scope, x), y, batch: batch(scope) });
  const expected = oracle.matmul(weights, x, { rows: ROWS, cols: COLS });
  return await compare(scope, (pass) => kernel(pass, BATCH), y, expected);
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
