import { assertEquals, assertRejects } from "@std/assert";
import { randomFloats, run, upload } from "../../tests/gpu.ts";
import {
  assertOutput,
  narrowTest,
  padRows,
  poisonedOutput,
  reductionTest,
  scopeTest,
} from "../../tests/kernels.ts";
import { matmul, swiglu } from "./oracle.ts";
import {
  randomMatrix,
  threeBlocks,
  uploadMatrix,
  type UploadMatrixOptions,
} from "../../tests/weights.ts";
import type { KernelScope } from "../gpu/kernel.ts";
import { strideOf } from "./matrix.ts";
import {
  createMatvec,
  createMatvecSwiglu,
  type MatvecOptions,
} from "./matvec.ts";
import type { Codec } from "./quant/codec.ts";
import { CODECS } from "./quant/codecs.ts";
import { F32 } from "./quant/f32.ts";
import { Q4_0 } from "./quant/q4_0.ts";
import { Q8_0 } from "./quant/q8_0.ts";

interface Case extends UploadMatrixOptions, Omit<MatvecOptions, "norm"> {
  rows: number;
  cols: number;
  codec: Codec;
  /** How many parts the matrix is to have. Defaults to 1. */
  parts?: number;
}

async function operands(scope: KernelScope, options: Case) {
  const { rows, cols, codec, parts = 1 } = options;
  const raw = randomMatrix(codec, { rows, cols, seed: rows + cols });
  const w = await uploadMatrix(scope, raw, options);
  assertEquals(w.parts.length, parts);
  const input = randomFloats(cols, 3);
  const x = upload(scope.gpu, padRows(input, { cols, stride: strideOf(cols) }));
  const product = matmul(codec.dequantize(raw.bytes), input, { rows, cols });
  return { w, x, product };
}

async function checkMatvec(scope: KernelScope, options: Case): Promise<void> {
  const { accumulate = false, offset = 0 } = options;
  const { w, x, product } = await operands(scope, options);
  const y = poisonedOutput(scope, offset + product.length);
  const before = accumulate
    ? randomFloats(product.length, 5)
    : new Float32Array(product.length);
  if (accumulate) scope.gpu.device.queue.writeBuffer(y, 4 * offset, before);
  const matvec = await createMatvec(scope, w, { accumulate, offset });
  const step = matvec.bind({ x, y });
  run(scope.gpu, (pass) => step(pass, 1));
  const untouched = new Float64Array(offset).fill(NaN);
  const sum = product.map((value, i) => value + before[i]!);
  await assertOutput(scope, y, [...untouched, ...sum]);
}

/** `options.rows` are those of the gate. */
async function checkSwiglu(scope: KernelScope, options: Case): Promise<void> {
  const { rows } = options;
  const both = await operands(scope, { ...options, rows: 2 * rows });
  const { w, x, product } = both;
  const y = poisonedOutput(scope, rows);
  const matvec = await createMatvecSwiglu(scope, w);
  const step = matvec.bind({ x, y });
  run(scope.gpu, (pass) => step(pass, 1));
  const [gate, up] = [product.subarray(0, rows), product.subarray(rows)];
  await assertOutput(scope, y, swiglu(gate, up));
}

for (const codec of CODECS.values()) {
  const cols = threeBlocks(codec);
  reductionTest(
    `matvec matches the reference when ${codec.name} weights are 65 x ${cols}`,
    (scope) => checkMatvec(scope, { rows: 65, cols, codec }),
  );
  reductionTest(
    `matvec_swiglu matches the reference when ${codec.name} weights are 2 x 5 x ${cols}`,
    (scope) => checkSwiglu(scope, { rows: 5, cols, codec }),
  );
}

const FLOAT_SIZES = [[1, 1], [3, 31], [4, 32], [5, 33], [172, 64], [63, 172]];
for (const [rows = 0, cols = 0] of FLOAT_SIZES) {
  reductionTest(
    `matvec matches the reference when F32 weights are ${rows} x ${cols}`,
    (scope) => checkMatvec(scope, { rows, cols, codec: F32 }),
  );
}

// 256 columns are 8 blocks, 1056 are 33: one more than the lanes of a row.
const BLOCK_SIZES = [[1, 256], [63, 256], [64, 256], [256, 256], [9, 1056]];
for (const [rows = 0, cols = 0] of [...BLOCK_SIZES, [3, 5120]]) {
  reductionTest(
    `matvec matches the reference when Q8_0 weights are ${rows} x ${cols}`,
    (scope) => checkMatvec(scope, { rows, cols, codec: Q8_0 }),
  );
}
for (const [rows = 0, cols = 0] of [[1, 256], [172, 256], [9, 1056]]) {
  reductionTest(
    `matvec_swiglu matches the reference when Q4_0 weights are 2 x ${rows} x ${cols}`,
    (scope) => checkSwiglu(scope, { rows, cols, codec: Q4_0 }),
  );
}

reductionTest("matvec adds to the output when it accumulates", (scope) => {
  const options = { codec: Q8_0, accumulate: true, offset: 3 };
  return checkMatvec(scope, { rows: 65, cols: 96, ...options });
});

reductionTest(
  "matvec matches the reference when w is in parts",
  (scope) =>
    checkMatvec(scope, {
      rows: 31,
      cols: 96,
      codec: Q4_0,
      // 8 rows of 3 blocks of 16 bytes
      maxBytes: 500,
      parts: 4,
      chunkRows: 4,
      offset: 5,
    }),
);

// F32, as repacking the others would take more workgroups than there are.
narrowTest(
  "matvec matches the reference",
  (scope) => checkMatvec(scope, { rows: 1201, cols: 256, codec: F32 }),
);

narrowTest(
  "matvec_swiglu matches the reference",
  (scope) => checkSwiglu(scope, { rows: 601, cols: 256, codec: F32 }),
);

scopeTest(
  "createMatvecSwiglu() rejects w when it is in parts",
  (scope) => rejectsSwiglu(scope, { rows: 8, maxBytes: 200 }),
);

scopeTest(
  "createMatvecSwiglu() rejects w when its rows are odd",
  (scope) => rejectsSwiglu(scope, { rows: 7 }),
);

async function rejectsSwiglu(
  scope: KernelScope,
  options: UploadMatrixOptions & { rows: number },
): Promise<void> {
  const raw = randomMatrix(Q4_0, { cols: 96, ...options });
  const w = await uploadMatrix(scope, raw, options);
  await assertRejects(
    () => createMatvecSwiglu(scope, w),
    RangeError,
    `Cannot create matvec_swiglu: gate and up are ${options.rows} rows in ${w.parts.length} parts`,
  );
}
