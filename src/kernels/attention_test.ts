import { assertRejects } from "@std/assert";
import { randomFloats, run } from "../../tests/gpu.ts";
import {
  assertOutput,
  batchOf,
  kernelTest,
  poisonedOutput,
  reductionTest,
  scopeTest,
} from "../../tests/kernels.ts";
import { padHeads, uploadKv } from "../../tests/kv.ts";
import { attention } from "./oracle.ts";
import type { KernelScope } from "../gpu/kernel.ts";
import { createAttention } from "./attention.ts";
import type { KvType } from "./kv_cache.ts";

interface Case {
  headDim: number;
  heads?: number;
  kvHeads?: number;
  kv?: KvType;
  /** Rows of the batch. Defaults to 1. */
  rows?: number;
  /** Position of the first row. Defaults to 0. */
  position?: number;
  /** Floats behind each row of the output. Defaults to 0. */
  gap?: number;
  /** What q and k are made of. Defaults to {@linkcode randomFloats}. */
  values?: (length: number, seed: number) => Float32Array<ArrayBuffer>;
}

async function check(scope: KernelScope, options: Case): Promise<void> {
  const { gpu } = scope;
  const { headDim, heads = 4, kvHeads = 2, kv = "f32" } = options;
  const { rows = 1, position = 0, gap = 0, values = randomFloats } = options;
  const stride = heads * headDim + gap;
  const size = kvHeads * headDim;
  const keys = position + rows;
  // The kernel sees what the reference does: f16 values are exact in both.
  const q = values(rows * heads * headDim, 1);
  const k = values(keys * size, 2).map(Math.f16round);
  const v = randomFloats(keys * size, 3).map(Math.f16round);
  // Behind the last row's keys the cache is NaN, and so is what reads of it.
  const y = poisonedOutput(scope, rows * stride);
  const kernel = await createAttention(scope, {
    heads,
    kvHeads,
    headDim,
    stride,
    kv,
  });
  const step = kernel.bind({
    q: uploadKv(gpu, padHeads(q, headDim), "f32"),
    k: uploadKv(gpu, padHeads(k, headDim), kv),
    v: uploadKv(gpu, padHeads(v, headDim), kv),
    y,
    batch: batchOf(scope, { rows, position }),
  });
  run(gpu, (pass) => step(pass, rows));

  const expected = new Float64Array(rows * stride).fill(NaN);
  for (let m = 0; m < rows; m++) {
    const shape = { heads, kvHeads, headDim, keys: position + m + 1 };
    const row = q.subarray(m * heads * headDim, (m + 1) * heads * headDim);
    expected.set(attention(row, k, v, shape), m * stride);
  }
  await assertOutput(scope, y, expected);
}

for (const kv of ["f32", "f16"] as const) {
  for (const headDim of [2, 6, 8, 48, 64, 80, 96, 128, 256]) {
    kernelTest(
      `attention matches the reference when heads are ${headDim} wide (${kv})`,
      (scope) => check(scope, { headDim, kv, position: 70, rows: 2, gap: 3 }),
    );
  }

  for (const position of [0, 1, 3, 6, 7, 8, 62, 63, 64, 65, 300]) {
    reductionTest(
      `attention matches the reference when the position is ${position} (${kv})`,
      (scope) => check(scope, { headDim: 48, position, kv }),
    );
  }
}

for (
  const [heads, kvHeads] of [[1, 1], [3, 3], [6, 3], [8, 2], [5, 1]] as const
) {
  kernelTest(
    `attention matches the reference when heads are ${heads} on ${kvHeads}`,
    (scope) => check(scope, { heads, kvHeads, headDim: 16, position: 66 }),
  );
}

for (const rows of [2, 31, 32, 33, 65]) {
  kernelTest(
    `attention is causal when a batch of ${rows} starts at 0`,
    (scope) => check(scope, { headDim: 8, rows }),
  );
  reductionTest(
    `attention is causal when a batch of ${rows} starts at 37`,
    (scope) => check(scope, { headDim: 8, rows, position: 37, kv: "f16" }),
  );
}

// Whole numbers keep every score exact, so that the reference's softmax sees
// the same ones: 64 products of up to 160 x 160 make scores of thousands.
const whole = (length: number, seed: number) =>
  randomFloats(length, seed).map((value) => Math.round(80 * value));

for (const kv of ["f32", "f16"] as const) {
  kernelTest(
    `attention is stable when scores lie thousands apart (${kv})`,
    (scope) =>
      check(scope, { headDim: 64, position: 200, rows: 3, values: whole, kv }),
  );
}

for (const sign of [1, -1]) {
  kernelTest(
    `attention is stable when all scores are near ${sign * 1e4}`,
    (scope) =>
      check(scope, {
        headDim: 64,
        position: 130,
        // q . k = 64 * 50 * 25 = 8e4 but for the last bit of one value in k
        values: (length, seed) =>
          seed === 1
            ? new Float32Array(length).fill(50 * sign)
            : randomFloats(length, seed).map((value, i) =>
              i % 64 === 0 ? 25 + Math.round(8 * value) / 64 : 25
            ),
      }),
  );
}

for (const headDim of [257, 258, 5]) {
  scopeTest(
    `createAttention() rejects heads when they are ${headDim} wide`,
    async (scope) => {
      const shape = { heads: 1, kvHeads: 1, headDim, stride: 512 };
      await assertRejects(
        () => createAttention(scope, { ...shape, kv: "f16" }),
        RangeError,
        `Cannot create attention: the head size is ${headDim}, an even number up to 256 is wanted`,
      );
    },
  );
}
