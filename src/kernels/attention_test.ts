import { assertRejects } from "@std/assert";
import { randomFloats, run } from "../../tests/gpu.ts";
import {
  assertOutput,
  batchOf,
  hardware,
  poisonedOutput,
  scopeTest,
  software,
} from "../../tests/kernels.ts";
import { uploadKv, uploadQ } from "../../tests/kv.ts";
import type { Gpu } from "../gpu/gpu.ts";
import type { KernelScope } from "../gpu/kernel.ts";
import { createAttention } from "./attention.ts";
import {
  type AttentionVariant,
  attentionVariants,
} from "./attention_variants.ts";
import { KV_TYPES, type KvType } from "./kv_cache.ts";
import { roundHeads } from "./kv_round.ts";
import { attention } from "./oracle.ts";

interface Case {
  headDim: number;
  heads?: number;
  kvHeads?: number;
  kv?: KvType;
  /** Rows of the batch. Defaults to 1. */
  rows?: number;
  /** Position of the first row. Defaults to 0. */
  position?: number;
  /** Keys that a row sees. Defaults to all. */
  window?: number;
  /** Floats behind each row of the output. Defaults to 0. */
  gap?: number;
  /** What q and k are made of. Defaults to {@linkcode randomFloats}. */
  values?: (length: number, seed: number) => Float32Array<ArrayBuffer>;
}

type VariantCase = Case & { variant: AttentionVariant };

async function check(scope: KernelScope, options: VariantCase): Promise<void> {
  const { gpu } = scope;
  const { headDim, heads = 4, kvHeads = 2, kv = "f32", variant } = options;
  const { rows = 1, position = 0, gap = 0, values = randomFloats } = options;
  const { window = Infinity } = options;
  const stride = heads * headDim + gap;
  const size = kvHeads * headDim;
  const keys = position + rows;
  // The kernel and the reference see the same rounded values.
  const q = values(rows * heads * headDim, 1);
  const k = roundHeads(values(keys * size, 2), headDim, kv);
  const v = roundHeads(randomFloats(keys * size, 3), headDim, kv);
  // Behind the last row's keys the cache is NaN, and so is what reads of it; and
  // before the window, but for what may stand in a tile with it.
  const left = Math.floor(Math.max(0, position + 1 - window) / 64) * 64;
  const cache = (values: Float64Array) =>
    values.slice().fill(NaN, 0, left * size);
  const y = poisonedOutput(scope, rows * stride);
  const kernel = await createAttention(scope, {
    heads,
    kvHeads,
    headDim,
    stride,
    kv,
    variant,
    window,
  });
  const step = kernel.bind({
    q: uploadQ(gpu, q, headDim),
    k: uploadKv(gpu, cache(k), { headDim, kv }),
    v: uploadKv(gpu, cache(v), { headDim, kv }),
    y,
    batch: batchOf(scope, { rows, position }),
  });
  run(gpu, (pass) => step(pass, rows));

  const expected = new Float64Array(rows * stride).fill(NaN);
  for (let m = 0; m < rows; m++) {
    const keys = position + m + 1;
    const shape = { heads, kvHeads, headDim, keys, window };
    const row = q.subarray(m * heads * headDim, (m + 1) * heads * headDim);
    expected.set(attention(row, k, v, shape), m * stride);
  }
  await assertOutput(scope, y, expected);
}

const ALL = ["broadcast", "tile", "tile_tree", "keys", "keys_tree"] as const;
/** Those that are unrolled for a head size. */
const UNROLLED = ["broadcast", "tile"] as const;

/** Registers a test for each variant that software or hardware can run. */
function variantTest(
  name: string,
  options: Case,
  only: readonly AttentionVariant[] = ALL,
): void {
  const register = (gpu: Gpu, variant: AttentionVariant, where = "") =>
    scopeTest(
      `attention.${variant} ${name}${where}`,
      (scope) => check(scope, { ...options, variant }),
      gpu,
    );
  if (software === null || hardware === null) return;
  const { headDim } = options;
  for (const variant of attentionVariants(software, headDim)) {
    if (only.includes(variant)) register(software, variant);
  }
  for (const variant of attentionVariants(hardware, headDim)) {
    if (!only.includes(variant) || variant === "broadcast") continue;
    register(hardware, variant, " (workgroups of hardware)");
  }
}

for (const kv of KV_TYPES) {
  for (const headDim of [2, 6, 8, 48, 64, 80, 96, 128, 256]) {
    variantTest(
      `matches the reference when heads are ${headDim} wide (${kv})`,
      { headDim, kv, position: 37, rows: 3, gap: 3 },
      headDim === 64 ? ALL : headDim === 256 && kv === "f32" ? ALL : UNROLLED,
    );
  }

  // Keys are worked on by 4, 8, 16 or 64.
  for (const position of [0, 3, 4, 7, 8, 15, 16, 63, 64, 65]) {
    variantTest(
      `matches the reference when the position is ${position} (${kv})`,
      { headDim: 64, position, kv },
    );
  }
}

for (
  const [heads, kvHeads] of [
    [1, 1],
    [3, 3],
    [6, 3],
    [8, 2],
    [5, 1],
    [16, 2],
  ] as const
) {
  variantTest(
    `matches the reference when heads are ${heads} on ${kvHeads}`,
    { heads, kvHeads, headDim: 64, position: 66, rows: 2 },
  );
}

// Rows are worked on by 8, 16, 64, 128 or 256.
for (const rows of [2, 7, 8, 9, 15, 16, 17, 33, 63, 64, 65, 127, 128, 129]) {
  variantTest(
    `is causal when a batch of ${rows} starts at 0`,
    { headDim: 64, heads: 2, rows },
  );
}
for (const rows of [2, 9, 17, 65]) {
  variantTest(
    `is causal when a batch of ${rows} starts at 37`,
    { headDim: 64, rows, position: 37, kv: "f16" },
  );
}
variantTest(
  "is causal when a batch of 257 starts at 3",
  { headDim: 8, heads: 1, kvHeads: 1, rows: 257, position: 3, kv: "q8_0" },
  UNROLLED,
);

// Whole numbers keep every score exact, so that the reference's softmax sees
// the same ones: 64 products of up to 160 x 160 make scores of thousands.
const whole = (length: number, seed: number) =>
  randomFloats(length, seed).map((value) => Math.round(80 * value));

for (const kv of ["f32", "f16"] as const) {
  variantTest(
    `is stable when scores lie thousands apart (${kv})`,
    { headDim: 64, position: 200, rows: 3, values: whole, kv },
  );
}

for (const sign of [1, -1]) {
  variantTest(
    `is stable when all scores are near ${sign * 1e4}`,
    {
      headDim: 64,
      position: 130,
      // q . k = 64 * 50 * 25 = 8e4 but for the last bit of one value in k
      values: (length, seed) =>
        seed === 1
          ? new Float32Array(length).fill(50 * sign)
          : randomFloats(length, seed).map((value, i) =>
            i % 64 === 0 ? 25 + Math.round(8 * value) / 64 : 25
          ),
    },
  );
}

// Keys are worked on by 4, 8, 16 or 64.
for (
  const [window, kv] of [
    [1, "f16"],
    [2, "f32"],
    [3, "f16"],
    [4, "f32"],
    [5, "q8_0"],
    [7, "f16"],
    [8, "f16"],
    [9, "q8_0"],
    [63, "f32"],
    [64, "f16"],
    [65, "f16"],
    [170, "f32"],
    [5000, "f16"],
  ] as const
) {
  variantTest(
    `matches the reference when the window is ${window} (${kv})`,
    { headDim: 64, position: 150, rows: 20, window, kv },
  );
}
for (const window of [1, 5, 100]) {
  variantTest(
    `matches the reference when the window is ${window} and a batch of 150 starts at 0`,
    { headDim: 64, heads: 2, rows: 150, window },
  );
  variantTest(
    `matches the reference when the window is ${window} and heads are 128 wide`,
    { headDim: 128, rows: 70, position: 70, window, kv: "f16" },
    UNROLLED,
  );
}

for (const window of [0, -1, 1.5, NaN]) {
  scopeTest(
    `createAttention() rejects a window when it is ${window}`,
    async (scope) => {
      const shape = { heads: 1, kvHeads: 1, headDim: 8, stride: 8, window };
      await assertRejects(
        () => createAttention(scope, { ...shape, kv: "f16" }),
        RangeError,
        `Cannot create attention: the window is ${window}, a positive integer is wanted`,
      );
    },
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
