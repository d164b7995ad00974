import type { KernelScope } from "../../gpu/kernel.ts";
import { createEmbed } from "../embed.ts";
import * as oracle from "../oracle.ts";
import type { Codec } from "../quant/codec.ts";
import { createRmsNorm } from "../rms_norm.ts";
import { createSwiglu } from "../swiglu.ts";
import {
  batch,
  compare,
  output,
  randomFloats,
  randomMatrix,
  upload,
} from "./inputs.ts";

/** Rows of the table of embeddings. */
const ROWS = 70;
/** Length of a row. */
const COLS = 256;
/** Rows of the batches. */
const BATCH = 5;

/** Rows of an embedding, which must come out exactly. Returns the error. */
export async function testEmbed(
  scope: KernelScope,
  codec: Codec,
): Promise<number> {
  const { matrix, weights } = await randomMatrix(scope, codec, {
    rows: ROWS,
    cols: COLS,
  });
  const tokens = Uint32Array.of(3, ROWS - 1, 0, 3, 17);
  const y = output(scope, BATCH * COLS);
  const kernel = (await createEmbed(scope, matrix))
    .bind({ tokens: upload(scope, tokens), y, batch: batch(scope, BATCH) });
  const expected = [...tokens].flatMap((token) =>
    Array.from(weights.subarray(token * COLS, (token + 1) * COLS))
  );
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
    batch: batch(scope, BATCH),
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
    .bind({ x: upload(scope, x), y, batch: batch(scope, BATCH) });
  const expected = Array.from({ length: BATCH }, (_, m) => {
    const row = x.subarray(m * 2 * COLS, (m + 1) * 2 * COLS);
    return [...oracle.swiglu(row.subarray(0, COLS), row.subarray(COLS))];
  }).flat();
  return await compare(scope, (pass) => kernel(pass, BATCH), y, expected);
}
