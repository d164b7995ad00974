import { assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { randomFloats, run, upload } from "../../tests/gpu.ts";
import {
  assertOutput,
  batchOf,
  kernelTest,
  narrowTest,
  poisonedOutput,
  scopeTest,
} from "../../tests/kernels.ts";
import { assertKv, headWidth, padHeads, uploadKv } from "../../tests/kv.ts";
import { rope, type RopeAngles } from "./oracle.ts";
import type { KernelScope } from "../gpu/kernel.ts";
import { KV_TYPES, type KvType } from "./kv_cache.ts";
import { createRope, ropeTable } from "./rope.ts";
import { NO_SCALING } from "./rope_scaling.ts";

interface Case extends Partial<RopeAngles> {
  heads?: number;
  kvHeads?: number;
  headDim: number;
  kv?: KvType;
  /** Rows of the batch. Defaults to 3. */
  rows?: number;
  /** Floats behind each row of the input. Defaults to 0. */
  gap?: number;
}

async function check(scope: KernelScope, options: Case): Promise<void> {
  const { gpu } = scope;
  const { headDim, heads = 4, kvHeads = 2, kv = "f32", gap = 0 } = options;
  const { position = 0, rows = 3, dims = headDim, base = 10000 } = options;
  const context = position + rows + 1;
  const stride = (heads + 2 * kvHeads) * headDim + gap;
  const width = headWidth(headDim);
  const { factor = 1, magnitude: attentionFactor = 1 } = options;
  const angles = { ...options, dims, base };
  const scaling = {
    ...NO_SCALING,
    type: "linear" as const,
    factor,
    attentionFactor,
  };
  // All are f16 values, so that v is exact in either cache.
  const qkv = randomFloats(rows * stride, headDim).map(Math.f16round);
  const q = poisonedOutput(scope, rows * heads * width);
  const layout = { headDim, kv };
  const cache = new Float64Array(context * kvHeads * headDim).fill(NaN);
  const [k, v] = [uploadKv(gpu, cache, layout), uploadKv(gpu, cache, layout)];
  const kernel = await createRope(scope, {
    heads,
    kvHeads,
    headDim,
    stride,
    kv,
  });
  const step = kernel.bind({
    qkv: upload(gpu, qkv),
    table: upload(gpu, ropeTable({ ...angles, context, headDim, scaling })),
    q,
    k,
    v,
    batch: batchOf(scope, { rows, position }),
  });
  run(gpu, (pass) => step(pass, rows));

  const expected = {
    q: new Float64Array(rows * heads * width),
    k: cache.slice(),
    v: cache.slice(),
  };
  for (let m = 0; m < rows; m++) {
    const rotated = { ...angles, position: position + m };
    const head = (i: number) => {
      const start = m * stride + i * headDim;
      return qkv.subarray(start, start + headDim);
    };
    for (let i = 0; i < heads; i++) {
      const x = padHeads(rope(head(i), rotated), headDim);
      expected.q.set(x, (m * heads + i) * width);
    }
    for (let i = 0; i < kvHeads; i++) {
      const at = ((position + m) * kvHeads + i) * headDim;
      expected.k.set(rope(head(heads + i), rotated), at);
      expected.v.set(head(heads + kvHeads + i), at);
    }
  }
  await assertOutput(scope, q, expected.q);
  await assertKv(gpu, k, expected.k, { ...layout, exact: false });
  await assertKv(gpu, v, expected.v, { ...layout, exact: true });
}

for (const kv of KV_TYPES) {
  for (const headDim of [2, 6, 8, 48, 64, 80, 96, 128, 256]) {
    kernelTest(
      `rope matches the reference when heads are ${headDim} wide (${kv})`,
      (scope) => check(scope, { headDim, kv, position: 5, gap: 3 }),
    );
  }

  for (const [heads, kvHeads] of [[1, 1], [3, 3], [4, 1], [40, 40]] as const) {
    kernelTest(
      `rope matches the reference when heads are ${heads} on ${kvHeads} (${kv})`,
      (scope) => check(scope, { heads, kvHeads, headDim: 16, kv }),
    );
  }

  for (const rows of [1, 31, 32, 33]) {
    kernelTest(
      `rope matches the reference when the batch is ${rows} (${kv})`,
      (scope) => check(scope, { headDim: 48, rows, position: 64, kv }),
    );
  }

  kernelTest(
    `rope leaves dimensions as they are when it is partial (${kv})`,
    (scope) => check(scope, { headDim: 80, dims: 32, position: 9, kv }),
  );

  narrowTest(
    `rope matches the reference (${kv})`,
    (scope) => check(scope, { headDim: 48, rows: 33, kv }),
  );
}

kernelTest(
  "rope matches the reference when positions are far",
  (scope) => check(scope, { headDim: 8, position: 100_000, rows: 2 }),
);

kernelTest(
  "rope matches the reference when frequencies are scaled",
  (scope) =>
    check(scope, {
      headDim: 16,
      position: 300,
      base: 500_000,
      factor: 4,
      frequencyFactors: [1, 1, 1, 1.5, 2, 3, 5, 8],
    }),
);

kernelTest(
  "rope matches the reference when rotated heads grow",
  (scope) => check(scope, { headDim: 16, dims: 12, magnitude: 1.3, rows: 9 }),
);

scopeTest(
  "createRope() rejects heads when their size is odd",
  async (scope) => {
    const shape = { heads: 1, kvHeads: 1, headDim: 5, stride: 15 };
    await assertRejects(
      () => createRope(scope, { ...shape, kv: "f32" }),
      RangeError,
      "Cannot create rope: the head size is 5, an even number is wanted",
    );
  },
);

Deno.test("ropeTable() turns the first pair by one radian a position", () => {
  const table = ropeTable({ context: 3, headDim: 4, dims: 4, base: 10000 });
  assertEquals(table.length, 3 * 2 * 2);
  assertEquals([...table.subarray(0, 4)], [1, 0, 1, 0]);
  assertAlmostEquals(table[4]!, 0.5403023058681398, 1e-7);
  assertAlmostEquals(table[5]!, 0.8414709848078965, 1e-7);
  // The second pair is slower by sqrt(base).
  assertAlmostEquals(table[6]!, 0.9999500004166653, 1e-7);
  assertAlmostEquals(table[7]!, 0.009999833334166664, 1e-7);
  assertAlmostEquals(table[8]!, -0.4161468365471424, 1e-7);
});

Deno.test("ropeTable() divides positions when it has a factor", () => {
  const shape = { headDim: 8, dims: 8, base: 10000 };
  const scaling = { ...NO_SCALING, type: "linear", factor: 4 } as const;
  const scaled = ropeTable({ ...shape, context: 9, scaling });
  const plain = ropeTable({ ...shape, context: 3 });
  for (const position of [0, 1, 2]) {
    assertEquals(
      scaled.subarray(position * 32, position * 32 + 8),
      plain.subarray(position * 8, position * 8 + 8),
    );
  }
});

Deno.test("ropeTable() divides each frequency when it has factors", () => {
  const shape = { headDim: 4, dims: 4, base: 10000, context: 7 };
  const scaled = ropeTable({ ...shape, frequencyFactors: [2, 3] });
  const plain = ropeTable(shape);
  const pair = (table: Float32Array, position: number, i: number) =>
    table.subarray(position * 4 + 2 * i, position * 4 + 2 * i + 2);
  assertEquals(pair(scaled, 6, 0), pair(plain, 3, 0));
  assertEquals(pair(scaled, 6, 1), pair(plain, 2, 1));
});

Deno.test("ropeTable() does not turn dimensions when they are past dims", () => {
  const table = ropeTable({ context: 4, headDim: 6, dims: 2, base: 10000 });
  assertEquals([...table.subarray(18 + 2)], [1, 0, 1, 0]);
});
