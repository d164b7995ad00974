import { randomFloats, run, upload } from "../../tests/gpu.ts";
import {
  assertOutput,
  padRows,
  poisonedOutput,
  reductionTest,
} from "../../tests/kernels.ts";
import {
  randomMatrix,
  threeBlocks,
  uploadMatrix,
} from "../../tests/weights.ts";
import type { KernelScope } from "../gpu/kernel.ts";
import { strideOf } from "./matrix.ts";
import { createMatvec, createMatvecSwiglu } from "./matvec.ts";
import { matmul, rmsNorm, swiglu } from "./oracle.ts";
import type { Codec } from "./quant/codec.ts";
import { CODECS } from "./quant/codecs.ts";
import { F32 } from "./quant/f32.ts";
import { Q8_0 } from "./quant/q8_0.ts";

interface Case {
  rows: number;
  cols: number;
  codec: Codec;
  /** Most bytes in one part of the matrix. */
  maxBytes?: number;
  /** What the input is multiplied with. Defaults to 1. */
  size?: number;
}

const EPS = 1e-5;

async function operands(scope: KernelScope, options: Case) {
  const { rows, cols, codec, size = 1 } = options;
  const raw = randomMatrix(codec, { rows, cols, seed: rows + cols });
  const matrix = await uploadMatrix(scope, raw, options);
  const x = randomFloats(cols, 3).map((value) => value * size);
  const weight = randomFloats(cols, 4);
  const pad = (data: Float32Array) =>
    upload(scope.gpu, padRows(data, { cols, stride: strideOf(cols) }));
  const normalized = rmsNorm(x, weight, EPS);
  return {
    matrix,
    buffers: { x: pad(x), normWeight: pad(weight) },
    product: matmul(codec.dequantize(raw.bytes), normalized, { rows, cols }),
    norm: { dim: cols, eps: EPS },
  };
}

async function checkMatvec(scope: KernelScope, options: Case): Promise<void> {
  const { matrix, buffers, product, norm } = await operands(scope, options);
  const y = poisonedOutput(scope, product.length);
  const matvec = await createMatvec(scope, matrix, { norm });
  const step = matvec.bind({ ...buffers, y });
  run(scope.gpu, (pass) => step(pass, 1));
  await assertOutput(scope, y, product);
}

/** `options.rows` are those of the gate. */
async function checkSwiglu(scope: KernelScope, options: Case): Promise<void> {
  const { rows } = options;
  const both = { ...options, rows: 2 * rows };
  const { matrix, buffers, product, norm } = await operands(scope, both);
  const y = poisonedOutput(scope, rows);
  const matvec = await createMatvecSwiglu(scope, matrix, { norm });
  const step = matvec.bind({ ...buffers, y });
  run(scope.gpu, (pass) => step(pass, 1));
  const [gate, up] = [product.subarray(0, rows), product.subarray(rows)];
  await assertOutput(scope, y, swiglu(gate, up));
}

for (const codec of CODECS.values()) {
  const cols = threeBlocks(codec);
  reductionTest(
    `matvec normalizes its input when ${codec.name} weights are 65 x ${cols}`,
    (scope) => checkMatvec(scope, { rows: 65, cols, codec }),
  );
  reductionTest(
    `matvec_swiglu normalizes its input when ${codec.name} weights are 2 x 5 x ${cols}`,
    (scope) => checkSwiglu(scope, { rows: 5, cols, codec }),
  );
}

for (const [rows, cols] of [[1, 1], [5, 33], [63, 172], [3, 5120]] as const) {
  reductionTest(
    `matvec normalizes its input when F32 weights are ${rows} x ${cols}`,
    (scope) => checkMatvec(scope, { rows, cols, codec: F32 }),
  );
}

for (const size of [1e-12, 1e-3, 1e9]) {
  reductionTest(
    `matvec normalizes its input when it is of size ${size}`,
    (scope) => checkMatvec(scope, { rows: 9, cols: 256, codec: Q8_0, size }),
  );
}

reductionTest(
  "matvec normalizes its input when w is in parts",
  (scope) =>
    checkMatvec(scope, { rows: 33, cols: 96, codec: Q8_0, maxBytes: 1024 }),
);
