import { assertEquals, assertRejects } from "@std/assert";
import { randomFloats, run } from "../../tests/gpu.ts";
import { INT8_ROUNDING, productInput } from "../../tests/int8.ts";
import {
  assertOutput,
  EVERY_VARIANT,
  narrowTest,
  NMSE_LIMIT,
  poisonedOutput,
  reductionTest,
  scopeTest,
} from "../../tests/kernels.ts";
import { matmul, roundToInt8, swiglu } from "./oracle.ts";
import {
  randomMatrix,
  threeBlocks,
  uploadMatrix,
  type UploadMatrixOptions,
} from "../../tests/weights.ts";
import type { KernelScope } from "../gpu/kernel.ts";
import {
  createMatvec,
  createMatvecSwiglu,
  type MatvecOptions,
} from "./matvec.ts";
import { matvecVariants } from "./variants.ts";
import type { Codec } from "./quant/codec.ts";
import { CODECS } from "./quant/codecs.ts";
import { F32 } from "./quant/f32.ts";
import { Q4_0 } from "./quant/q4_0.ts";
import { Q6_K } from "./quant/q6_k.ts";
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
  const weights = codec.dequantize(raw.bytes);
  const product = (x: ArrayLike<number>) => matmul(weights, x, { rows, cols });
  // One sum alone may nearly cancel out, where all others would be there to
  // measure its error by: x goes with the signs of the weights then.
  const drawn = randomFloats(cols, 3).map((x, i) => {
    if (rows > 2) return x;
    const signs = Array.from(
      { length: rows },
      (_, row) => Math.sign(weights[row * cols + i]!),
    );
    return Math.abs(x) * signs.reduce((sum, sign) => sum + sign, 0) / rows;
  });
  // Products of size 1: a gate far below 0 would leave nothing to compare.
  const size = Math.max(...product(drawn).map(Math.abs));
  const values = drawn.map((x) => x / size);
  const input = await productInput(scope, values, options);
  const rounded = options.int8 ? roundToInt8(values, { cols }) : values;
  return { w, input, product: product(rounded) };
}

async function checkMatvec(scope: KernelScope, options: Case): Promise<void> {
  const { accumulate = false, offset = 0 } = options;
  const { w, input, product } = await operands(scope, options);
  const y = poisonedOutput(scope, offset + product.length);
  const before = accumulate
    ? randomFloats(product.length, 5)
    : new Float32Array(product.length);
  if (accumulate) scope.gpu.device.queue.writeBuffer(y, 4 * offset, before);
  const matvec = await createMatvec(scope, w, options);
  const step = matvec.bind({ ...input, y });
  run(scope.gpu, (pass) => step(pass, 1));
  const untouched = new Float64Array(offset).fill(NaN);
  const sum = product.map((value, i) => value + before[i]!);
  const limit = options.int8 ? INT8_ROUNDING : NMSE_LIMIT;
  await assertOutput(scope, y, [...untouched, ...sum], limit);
}

/** `options.rows` are those of the gate. */
async function checkSwiglu(scope: KernelScope, options: Case): Promise<void> {
  const { rows } = options;
  const both = await operands(scope, { ...options, rows: 2 * rows });
  const { w, input, product } = both;
  const y = poisonedOutput(scope, rows);
  const matvec = await createMatvecSwiglu(scope, w, options);
  const step = matvec.bind({ ...input, y });
  run(scope.gpu, (pass) => step(pass, 1));
  const [gate, up] = [product.subarray(0, rows), product.subarray(rows)];
  const limit = options.int8 ? INT8_ROUNDING : NMSE_LIMIT;
  await assertOutput(scope, y, swiglu(gate, up), limit);
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

for (const codec of CODECS.values()) {
  if (!codec.quantized) continue;
  const cols = threeBlocks(codec);
  reductionTest(
    `matvec matches the reference when x is int8 and ${codec.name} weights are 65 x ${cols}`,
    (scope) => checkMatvec(scope, { rows: 65, cols, codec, int8: true }),
  );
}

reductionTest(
  "matvec_swiglu matches the reference when x is int8",
  (scope) =>
    checkSwiglu(scope, { rows: 5, cols: 768, codec: Q6_K, int8: true }),
);

for (const codec of EVERY_VARIANT ? CODECS.values() : [Q4_0, F32]) {
  // 35 or 40 blocks: less than four times the lanes of a row, or more.
  const cols = codec.fileBlock.weights > 32 ? 1280 : 1120;
  for (const int8 of codec.quantized ? [false, true] : [false]) {
    // Larger workgroups only have more runs, whatever the format is.
    const most = [Q4_0, F32].includes(codec) ? 256 : 64;
    for (const rows of EVERY_VARIANT ? [1, 7, 8, 9] : [9]) {
      reductionTest(
        `matvec matches the reference in every variant when ${codec.name} weights are ${rows} x ${cols} (int8 ${int8})`,
        async (scope) => {
          const w = { blocks: cols / 32 };
          const shape = { rows, cols, codec };
          for (const variant of matvecVariants(scope.gpu, w, { int8 })) {
            if (variant.workgroup > most) continue;
            await checkMatvec(scope, { ...shape, variant, int8 });
            await checkSwiglu(scope, { ...shape, variant, int8 });
          }
        },
      );
    }
  }
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
