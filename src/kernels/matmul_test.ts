import { assertEquals } from "@std/assert";
import { randomFloats, run } from "../../tests/gpu.ts";
import { INT8_ROUNDING, productInput } from "../../tests/int8.ts";
import {
  assertOutput,
  batchOf,
  EVERY_VARIANT,
  hardware,
  narrowTest,
  NMSE_LIMIT,
  poisonedOutput,
  reductionTest,
  scopeTest,
  software,
} from "../../tests/kernels.ts";
import { matmul, roundToInt8 } from "./oracle.ts";
import {
  randomMatrix,
  threeBlocks,
  uploadMatrix,
  type UploadMatrixOptions,
} from "../../tests/weights.ts";
import type { KernelScope } from "../gpu/kernel.ts";
import { createMatmul } from "./matmul.ts";
import { type MatmulVariant, matmulVariants } from "./variants.ts";
import type { Codec } from "./quant/codec.ts";
import { CODECS } from "./quant/codecs.ts";
import { F32 } from "./quant/f32.ts";
import { Q4_0 } from "./quant/q4_0.ts";
import { Q8_0 } from "./quant/q8_0.ts";

interface Case extends UploadMatrixOptions {
  rows: number;
  cols: number;
  codec: Codec;
  /** Rows of the input. */
  batch: number;
  accumulate?: boolean;
  offset?: number;
  int8?: boolean;
  variant?: MatmulVariant;
  /** Floats behind each row of the output. Defaults to 0. */
  gap?: number;
  /** How many parts the matrix is to have. Defaults to 1. */
  parts?: number;
}

async function check(scope: KernelScope, options: Case): Promise<void> {
  const { gpu } = scope;
  const { rows, cols, codec, batch, parts = 1 } = options;
  const { accumulate = false, offset = 0, gap = 0 } = options;
  const raw = randomMatrix(codec, { rows, cols, seed: rows + cols });
  const w = await uploadMatrix(scope, raw, options);
  assertEquals(w.parts.length, parts);
  const x = randomFloats(batch * cols, 3);
  const yStride = offset + rows + gap;

  const y = poisonedOutput(scope, batch * yStride);
  const before = accumulate
    ? randomFloats(batch * rows, 5)
    : new Float32Array(batch * rows);
  // The output's layout: NaN wherever the product does not go.
  const place = (product: ArrayLike<number>) =>
    Float64Array.from({ length: batch * yStride }, (_, i) => {
      const column = i % yStride - offset;
      return column < 0 || column >= rows
        ? NaN
        : product[Math.floor(i / yStride) * rows + column]!;
    });
  if (accumulate) {
    gpu.device.queue.writeBuffer(y, 0, Float32Array.from(place(before)));
  }
  const product = await createMatmul(scope, w, { ...options, yStride });
  const step = product.bind({
    ...await productInput(scope, x, options),
    y,
    batch: batchOf(scope, { rows: batch }),
  });
  run(gpu, (pass) => step(pass, batch));

  const rounded = options.int8 ? roundToInt8(x, { cols }) : x;
  const expected = matmul(codec.dequantize(raw.bytes), rounded, { rows, cols });
  const sum = place(expected.map((v, i) => v + before[i]!));
  const limit = options.int8 ? INT8_ROUNDING : NMSE_LIMIT;
  await assertOutput(scope, y, sum, limit);
}

/** Checks every variant that the device has. */
async function checkAll(scope: KernelScope, options: Case): Promise<void> {
  for (const variant of matmulVariants(scope.gpu, options)) {
    await check(scope, { ...options, variant });
  }
}

for (const codec of CODECS.values()) {
  const cols = threeBlocks(codec);
  for (const int8 of codec.quantized ? [false, true] : [false]) {
    const input = int8 ? "int8" : "f32";
    const name =
      `matmul matches the reference when ${codec.name} weights are 65 x ${cols} and x is ${input}`;
    for (
      const [device, on] of [["hardware", hardware], [
        "software",
        software,
      ]] as const
    ) {
      scopeTest(
        `${name} (${device})`,
        (scope) => checkAll(scope, { rows: 65, cols, codec, batch: 3, int8 }),
        on,
      );
    }
  }
}

for (const codec of EVERY_VARIANT ? CODECS.values() : []) {
  const cols = Math.max(96, codec.fileBlock.weights);
  for (const int8 of codec.quantized ? [false, true] : [false]) {
    for (const size of [1, 7, 8, 9, 31, 32, 33, 63, 64, 65, 129]) {
      reductionTest(
        `matmul matches the reference when ${codec.name} weights and batch are ${size} rows of ${cols} (int8 ${int8})`,
        (scope) =>
          checkAll(scope, { rows: size, cols, codec, batch: size, int8 }),
      );
    }
  }
}

for (const batch of [1, 2, 3, 4, 5, 8, 9, 15, 16, 17, 31, 32, 33, 64, 65]) {
  reductionTest(
    `matmul matches the reference when the batch is ${batch}`,
    (scope) => checkAll(scope, { rows: 70, cols: 64, codec: Q8_0, batch }),
  );
}

for (const rows of [1, 3, 7, 8, 63, 64, 65, 129, 172]) {
  reductionTest(
    `matmul matches the reference when the weights have ${rows} rows`,
    (scope) => checkAll(scope, { rows, cols: 32, codec: Q4_0, batch: 3 }),
  );
}

for (const cols of [1, 31, 33, 172]) {
  reductionTest(
    `matmul matches the reference when the weights have ${cols} columns`,
    (scope) => checkAll(scope, { rows: 9, cols, codec: F32, batch: 5 }),
  );
}

reductionTest(
  "matmul matches the reference when rows are 5120 columns",
  (scope) => checkAll(scope, { rows: 6, cols: 5120, codec: Q8_0, batch: 2 }),
);

reductionTest(
  "matmul adds to the output when it accumulates",
  (scope) =>
    checkAll(scope, {
      rows: 65,
      cols: 96,
      codec: Q8_0,
      batch: 33,
      accumulate: true,
    }),
);

reductionTest(
  "matmul writes its own columns when it has an offset",
  (scope) =>
    checkAll(scope, {
      rows: 65,
      cols: 32,
      codec: Q4_0,
      batch: 33,
      offset: 3,
      gap: 2,
    }),
);

for (const batch of [3, 33]) {
  narrowTest(
    `matmul matches the reference when the batch is ${batch}`,
    (scope) => checkAll(scope, { rows: 2100, cols: 32, codec: F32, batch }),
  );
}

for (const accumulate of [false, true]) {
  reductionTest(
    `matmul matches the reference when w is in parts (accumulate ${accumulate})`,
    (scope) =>
      checkAll(scope, {
        rows: 31,
        cols: 96,
        codec: Q4_0,
        batch: 33,
        // 8 rows of 3 blocks of 16 bytes
        maxBytes: 500,
        parts: 4,
        chunkRows: 4,
        offset: 5,
        gap: 1,
        accumulate,
      }),
  );
}
