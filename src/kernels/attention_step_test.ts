import { assertRejects } from "@std/assert";
import { randomFloats, run, upload } from "../../tests/gpu.ts";
import {
  assertOutput,
  batchOf,
  kernelTest,
  poisonedOutput,
  reductionTest,
  scopeTest,
} from "../../tests/kernels.ts";
import {
  assertKv,
  headWidth,
  padHeads,
  readKv,
  uploadKv,
} from "../../tests/kv.ts";
import { attention, rope } from "./oracle.ts";
import type { KernelScope } from "../gpu/kernel.ts";
import { createAttentionStep } from "./attention.ts";
import type { KvType } from "./kv_cache.ts";
import { ropeTable } from "./rope.ts";

interface Case {
  headDim: number;
  heads?: number;
  kvHeads?: number;
  kv?: KvType;
  /** Dimensions that are rotated. Defaults to all. */
  dims?: number;
  /** Position of the row. Defaults to 0. */
  position?: number;
}

async function check(scope: KernelScope, options: Case): Promise<void> {
  const { gpu } = scope;
  const { headDim, heads = 4, kvHeads = 2, kv = "f32" } = options;
  const { position = 0, dims = headDim } = options;
  const shape = { heads, kvHeads, headDim };
  const angles = { headDim, dims, base: 10000 };
  const size = kvHeads * headDim;
  const qkv = randomFloats((heads + 2 * kvHeads) * headDim, 1)
    .map(Math.f16round);
  const past = {
    k: randomFloats(position * size, 2).map(Math.f16round),
    v: randomFloats(position * size, 3).map(Math.f16round),
  };
  // From this position on the cache is NaN.
  const cache = (values: Float32Array) => {
    const context = (position + 2) * kvHeads * headWidth(headDim);
    const padded = new Float64Array(context).fill(NaN);
    padded.set(padHeads(values, headDim));
    return padded;
  };
  const [k, v] = [cache(past.k), cache(past.v)];
  const buffers = {
    qkv: upload(gpu, qkv),
    table: upload(gpu, ropeTable({ ...angles, context: position + 1 })),
    k: uploadKv(gpu, k, kv),
    v: uploadKv(gpu, v, kv),
    y: poisonedOutput(scope, heads * headDim),
    batch: batchOf(scope, { rows: 1, position }),
  };
  const kernel = await createAttentionStep(scope, {
    ...shape,
    stride: heads * headDim,
    kv,
  });
  const step = kernel.bind(buffers);
  run(gpu, (pass) => step(pass, 1));

  const rotated = (first: number, count: number) =>
    Array.from({ length: count }, (_, i) => {
      const start = (first + i) * headDim;
      const head = qkv.subarray(start, start + headDim);
      return [...rope(head, { ...angles, position })];
    }).flat();
  const at = position * kvHeads * headWidth(headDim);
  const now = { k: rotated(heads, kvHeads), v: qkv.subarray(-size) };
  k.set(padHeads(now.k, headDim), at);
  v.set(padHeads(now.v, headDim), at);
  await assertKv(gpu, buffers.k, k, { kv, ulps: 1 });
  await assertKv(gpu, buffers.v, v, { kv, ulps: 0 });

  // The key as the cache rounded it is what attention has to use.
  const key = kv === "f32" ? now.k : await readKv(gpu, buffers.k, {
    headDim,
    first: position * kvHeads,
    heads: kvHeads,
  });
  const expected = attention(
    rotated(0, heads),
    [...past.k, ...key],
    [...past.v, ...now.v],
    { ...shape, keys: position + 1 },
  );
  await assertOutput(scope, buffers.y, expected);
}

for (const kv of ["f32", "f16"] as const) {
  for (const headDim of [2, 6, 8, 48, 64, 80, 96, 128, 256]) {
    kernelTest(
      `attention_step matches the reference when heads are ${headDim} wide (${kv})`,
      (scope) => check(scope, { headDim, kv, position: 70 }),
    );
  }

  for (const position of [0, 1, 3, 4, 6, 7, 8, 62, 63, 64, 65, 300]) {
    reductionTest(
      `attention_step matches the reference when the position is ${position} (${kv})`,
      (scope) => check(scope, { headDim: 48, position, kv }),
    );
  }

  for (
    const [heads, kvHeads] of [[1, 1], [3, 3], [6, 3], [8, 2], [5, 1]] as const
  ) {
    kernelTest(
      `attention_step matches the reference when heads are ${heads} on ${kvHeads} (${kv})`,
      (scope) =>
        check(scope, { heads, kvHeads, headDim: 16, position: 66, kv }),
    );
  }

  kernelTest(
    `attention_step leaves dimensions as they are when it is partial (${kv})`,
    (scope) => check(scope, { headDim: 80, dims: 32, position: 9, kv }),
  );
}

scopeTest(
  "createAttentionStep() rejects heads when they are too wide",
  async (scope) => {
    const shape = { heads: 1, kvHeads: 1, headDim: 258, stride: 258 };
    await assertRejects(
      () => createAttentionStep(scope, { ...shape, kv: "f16" }),
      RangeError,
      "Cannot create attention: the head size is 258, an even number up to 256 is wanted",
    );
  },
);
