import { assertEquals, assertRejects } from "@std/assert";
import { download, randomFloats, run, upload } from "../../tests/gpu.ts";
import { productInput } from "../../tests/int8.ts";
import {
  batchOf,
  EVERY_VARIANT,
  narrowTest,
  padRows,
  poisonedOutput,
  reductionTest,
  scopeTest,
} from "../../tests/kernels.ts";
import {
  randomMatrix,
  threeBlocks,
  uploadMatrix,
  type UploadMatrixOptions,
} from "../../tests/weights.ts";
import type { KernelScope } from "../gpu/kernel.ts";
import { MAX_STEPS } from "./batch.ts";
import { strideOf } from "./matrix.ts";
import {
  createMatvec,
  createMatvecSwiglu,
  type MatvecInput,
} from "./matvec.ts";
import type { Codec } from "./quant/codec.ts";
import { CODECS } from "./quant/codecs.ts";
import { F32 } from "./quant/f32.ts";
import { Q4_0 } from "./quant/q4_0.ts";
import { Q8_0 } from "./quant/q8_0.ts";
import { matvecVariants } from "./variants.ts";

interface Case extends UploadMatrixOptions, Omit<MatvecInput, "norm"> {
  /** Rows of the output. */
  rows: number;
  cols: number;
  codec: Codec;
  /** Whether a norm is folded in. Defaults to `false`. */
  normed?: boolean;
  /** Whether it is gate and up. Defaults to `false`. */
  gated?: boolean;
  accumulate?: boolean;
  /** First column of the output. Defaults to 0. */
  offset?: number;
  /** How many rows of input to try. Defaults to one of each width. */
  counts?: readonly number[];
}

/** What the product makes of some rows of input, in one dispatch; as bits. */
type Product = (x: Float32Array, count: number) => Promise<Uint32Array>;

async function createProduct(
  scope: KernelScope,
  options: Case,
): Promise<{ product: Product; yStride: number }> {
  const { gpu } = scope;
  const { rows, cols, codec, normed, gated = false, int8, variant } = options;
  const { accumulate = false, offset = 0, steps } = options;
  const shape = { rows: gated ? 2 * rows : rows, cols, seed: rows + cols };
  const raw = randomMatrix(codec, shape);
  const w = await uploadMatrix(scope, raw, options);
  const yStride = offset + rows + 3;
  const norm = normed ? { dim: cols, eps: 1e-5 } : undefined;
  const input = { norm, int8: int8 ?? false, steps, variant, yStride };
  const kernel = gated
    ? await createMatvecSwiglu(scope, w, input)
    : await createMatvec(scope, w, { ...input, accumulate, offset });
  const weight = padRows(randomFloats(cols, 4), {
    cols,
    stride: strideOf(cols),
  });
  const normWeight = upload(gpu, weight);
  const product = async (x: Float32Array, count: number) => {
    const y = poisonedOutput(scope, count * yStride);
    if (accumulate) {
      const before = new Float32Array(count * yStride).fill(0.1);
      gpu.device.queue.writeBuffer(y, 0, before);
    }
    const step = kernel.bind({
      ...await productInput(scope, x, options),
      ...(normed && { normWeight }),
      y,
      batch: batchOf(scope, { rows: count }),
    });
    run(gpu, (pass) => step(pass, count));
    return new Uint32Array((await download(gpu, y)).buffer);
  };
  return { product, yStride };
}

/** One row more than half of each width, and whole ones. */
const COUNTS = [2, 3, 4, 5, 8] as const;

/** Compares rows that run together with the same ones alone. */
async function check(scope: KernelScope, options: Case): Promise<void> {
  const { cols, counts = COUNTS } = options;
  const steps = Math.max(...counts);
  const x = randomFloats(steps * cols, 3);
  const all = { ...options, steps };
  const { product, yStride } = await createProduct(scope, all);
  const alone: Uint32Array[] = [];
  for (let m = 0; m < steps; m++) {
    const row = await product(x.subarray(m * cols, (m + 1) * cols), 1);
    alone.push(row.subarray(0, yStride));
  }
  assertEquals(new Set(alone.map((row) => row.join())).size, steps);
  for (const count of counts) {
    const together = await product(x.subarray(0, count * cols), count);
    const [nan] = new Uint32Array(Float32Array.of(NaN).buffer);
    const expected = new Uint32Array(together.length).fill(nan!);
    for (let m = 0; m < count; m++) expected.set(alone[m]!, m * yStride);
    assertEquals(together, expected, `${count} rows`);
  }
}

/** Each form of a product that models are made of, and more. */
function formsOf(int8: boolean): Partial<Case>[] {
  const forms = [{}, { accumulate: true, offset: 3 }, { gated: true }];
  if (int8) return forms;
  return [...forms, ...forms.map((form) => ({ ...form, normed: true }))];
}

for (const codec of CODECS.values()) {
  // Odd pairs leave a run half empty.
  const shape = { rows: 21, cols: threeBlocks(codec), codec };
  const counts = EVERY_VARIANT ? COUNTS : [7];
  scopeTest(
    `matvec gives rows the same bits as alone when ${codec.name} meets f32`,
    (scope) => check(scope, { ...shape, counts, normed: true, gated: true }),
  );
  if (!codec.quantized) continue;
  scopeTest(
    `matvec gives rows the same bits as alone when ${codec.name} meets int8`,
    (scope) => check(scope, { ...shape, counts, int8: true }),
  );
}

for (const codec of [F32, Q4_0]) {
  for (const int8 of codec.quantized ? [false, true] : [false]) {
    const input = int8 ? "int8" : "f32";
    scopeTest(
      `matvec gives rows the same bits as alone in every form when ${codec.name} meets ${input}`,
      async (scope) => {
        for (const form of formsOf(int8)) {
          await check(scope, { rows: 9, cols: 96, codec, int8, ...form });
        }
      },
    );
  }
}

for (const codec of EVERY_VARIANT ? CODECS.values() : [Q8_0]) {
  for (const int8 of codec.quantized ? [false, true] : [false]) {
    const input = int8 ? "int8" : "f32";
    reductionTest(
      `matvec gives rows the same bits as alone in every variant when ${codec.name} meets ${input}`,
      async (scope) => {
        const cols = 1280; // 40 blocks
        // Gate and up take rows in pairs.
        const form = { normed: !int8, gated: !int8 };
        const shape = { rows: 9, cols, codec, int8, ...form };
        const w = { blocks: cols / 32 };
        const counts = EVERY_VARIANT ? COUNTS : [6];
        for (const variant of matvecVariants(scope.gpu, w, { int8 })) {
          // Larger workgroups only have more runs.
          if (variant.workgroup > 64) continue;
          await check(scope, { ...shape, variant, counts });
        }
      },
    );
  }
}

for (const [rows, cols] of [[1, 1], [3, 31], [5, 33], [63, 172]] as const) {
  scopeTest(
    `matvec gives rows the same bits as alone when F32 weights are ${rows} x ${cols}`,
    (scope) => check(scope, { rows, cols, codec: F32, normed: true }),
  );
}

scopeTest(
  "matvec gives rows the same bits as alone when w is in parts",
  // 8 rows of 3 blocks of 16 bytes
  (scope) =>
    check(scope, {
      rows: 31,
      cols: 96,
      codec: Q4_0,
      maxBytes: 500,
      chunkRows: 4,
      offset: 5,
    }),
);

narrowTest(
  "matvec gives rows the same bits as alone",
  (scope) => check(scope, { rows: 1201, cols: 32, codec: F32, counts: [2] }),
);

scopeTest(
  "createMatvec() rejects steps when there are none or too many",
  async (scope) => {
    const w = await uploadMatrix(
      scope,
      randomMatrix(F32, { rows: 4, cols: 32 }),
    );
    for (const steps of [0, 1.5, MAX_STEPS + 1]) {
      await assertRejects(
        () => createMatvec(scope, w, { steps }),
        RangeError,
        `Cannot create matvec: steps is ${steps}, an integer from 1 to ${MAX_STEPS} is wanted`,
      );
    }
  },
);

scopeTest(
  "matvec refuses more rows than it was compiled for",
  async (scope) => {
    const options = { rows: 4, cols: 32, codec: F32, steps: 2 };
    const { product } = await createProduct(scope, options);
    await product(randomFloats(2 * 32), 2);
    await assertRejects(
      () => product(randomFloats(3 * 32), 3),
      RangeError,
      "Cannot run matvec on 3 rows: at most 2 were asked for",
    );
  },
);
