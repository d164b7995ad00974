import { assert, assertEquals, assertRejects } from "@std/assert";
import { randomFloats, run, upload } from "../../tests/gpu.ts";
import {
  assertOutput,
  batchOf,
  hardware,
  poisonedOutput,
  scopeTest,
  software,
} from "../../tests/kernels.ts";
import { assertKv, uploadKv } from "../../tests/kv.ts";
import type { Gpu } from "../gpu/gpu.ts";
import type { KernelScope } from "../gpu/kernel.ts";
import { createAttentionStep, partsAt } from "./attention_step.ts";
import {
  type AttentionStepVariant,
  attentionStepVariants,
} from "./attention_variants.ts";
import { KV_TYPES, type KvType } from "./kv_cache.ts";
import { roundHeads } from "./kv_round.ts";
import { attention, rope } from "./oracle.ts";
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
  /** Most parts. Defaults to 1. */
  maxParts?: number;
  /** Keys that the row sees. Defaults to all. */
  window?: number;
}

type VariantCase = Case & { variant: AttentionStepVariant };

async function check(scope: KernelScope, options: VariantCase): Promise<void> {
  const { gpu } = scope;
  const { headDim, heads = 4, kvHeads = 2, kv = "f32", variant } = options;
  const { position = 0, dims = headDim, maxParts = 1 } = options;
  const { window = Infinity } = options;
  const shape = { heads, kvHeads, headDim };
  const layout = { headDim, kv };
  const angles = { headDim, dims, base: 10000 };
  const size = kvHeads * headDim;
  const qkv = randomFloats((heads + 2 * kvHeads) * headDim, 1)
    .map(Math.f16round);
  const past = {
    k: roundHeads(randomFloats(position * size, 2), headDim, kv),
    v: roundHeads(randomFloats(position * size, 3), headDim, kv),
  };
  // From this position on the cache is NaN, and before the window.
  const first = Math.max(0, position + 1 - window);
  const cache = (values: Float64Array) => {
    const padded = new Float64Array((position + 2) * size).fill(NaN);
    padded.set(values.subarray(first * size), first * size);
    return padded;
  };
  const [k, v] = [cache(past.k), cache(past.v)];
  const buffers = {
    qkv: upload(gpu, qkv),
    table: upload(gpu, ropeTable({ ...angles, context: position + 1 })),
    k: uploadKv(gpu, k, layout),
    v: uploadKv(gpu, v, layout),
    y: poisonedOutput(scope, heads * headDim),
    batch: batchOf(scope, { rows: 1, position }),
  };
  const kernel = await createAttentionStep(scope, {
    ...shape,
    stride: heads * headDim,
    kv,
    variant,
    maxParts,
    partKeys: 1,
    window,
  });
  const step = kernel.bind(buffers);
  run(gpu, (pass) => step(pass, { rows: 1, position }));

  const rotated = (first: number, count: number) =>
    Array.from({ length: count }, (_, i) => {
      const start = (first + i) * headDim;
      const head = qkv.subarray(start, start + headDim);
      return [...rope(head, { ...angles, position })];
    }).flat();
  k.set(rotated(heads, kvHeads), position * size);
  v.set(qkv.subarray(-size), position * size);
  // At once: each wait for a buffer takes Deno 10 ms.
  const written = await Promise.all([
    assertKv(gpu, buffers.k, k, { ...layout, exact: false }),
    assertKv(gpu, buffers.v, v, { ...layout, exact: true }),
  ]);

  // What the cache rounded the key to is what attention has to use.
  const [keys, values] = written;
  const expected = attention(rotated(0, heads), keys, values, {
    ...shape,
    keys: position + 1,
    window,
  });
  await assertOutput(scope, buffers.y, expected);
}

/** Registers a test for each variant that software or hardware can run. */
function variantTest(name: string, options: Case): void {
  const devices = [["", software], [" (workgroups of hardware)", hardware]];
  for (const [where, gpu] of devices as [string, Gpu | null][]) {
    if (gpu === null) continue;
    for (const variant of attentionStepVariants(gpu, options.headDim)) {
      scopeTest(
        `attention_step.${variant} ${name}${where}`,
        (scope) => check(scope, { ...options, variant }),
        gpu,
      );
    }
  }
}

const WINDOWS: [window: number, kv: KvType][] = [
  [1, "f16"],
  [2, "f32"],
  [63, "q8_0"],
  [64, "f16"],
  [65, "f32"],
  [66, "f16"],
  [129, "f16"],
  [130, "q8_0"],
  [300, "f16"],
  [301, "f32"],
  [5000, "f16"],
];

for (const kv of KV_TYPES) {
  for (const headDim of [2, 6, 8, 48, 64, 80, 96, 128, 256]) {
    variantTest(
      `matches the reference when heads are ${headDim} wide (${kv})`,
      { headDim, kv, position: 70 },
    );
  }

  for (const position of [0, 1, 7, 8, 9, 63, 64, 65, 300]) {
    variantTest(
      `matches the reference when the position is ${position} (${kv})`,
      { headDim: 48, position, kv },
    );
  }

  for (
    const [heads, kvHeads] of [[1, 1], [3, 3], [6, 3], [8, 2], [8, 1]] as const
  ) {
    variantTest(
      `matches the reference when heads are ${heads} on ${kvHeads} (${kv})`,
      { heads, kvHeads, headDim: 16, position: 66, kv },
    );
  }

  variantTest(
    `leaves dimensions as they are when it is partial (${kv})`,
    { headDim: 80, dims: 32, position: 9, kv },
  );

  variantTest(
    `matches the reference when it is cut into parts (${kv})`,
    { headDim: 96, heads: 6, kvHeads: 3, position: 200, maxParts: 64, kv },
  );
}

for (const maxParts of [2, 64]) {
  for (const position of [0, 1, 63, 64, 65, 127, 128, 129, 300]) {
    variantTest(
      `matches the reference when position ${position} has up to ${maxParts} parts`,
      { headDim: 32, position, maxParts },
    );
  }
}

for (const [window, kv] of WINDOWS) {
  for (const [headDim, maxParts] of [[64, 1], [80, 4]] as const) {
    variantTest(
      `matches the reference when the window is ${window} and parts are up to ${maxParts} (${kv})`,
      { headDim, kv, window, maxParts, position: 300 },
    );
  }
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

Deno.test("partsAt() leaves no part empty", () => {
  for (const maxParts of [1, 2, 3, 7, 13, 64, 512]) {
    for (let position = 0; position < 3000; position++) {
      const parts = partsAt(position, { maxParts, partKeys: 1 });
      assert(parts >= 1 && parts <= maxParts);
      // As attention_parts.wgsl shares the keys.
      const size = Math.ceil(Math.ceil(position / parts) / 64) * 64;
      const lastStart = (parts - 1) * size;
      assert(parts === 1 || lastStart < position, `${parts} at ${position}`);
      assert(parts * size >= position);
    }
  }
});

Deno.test("partsAt() cuts when parts would be long enough", () => {
  const parts = (position: number) =>
    partsAt(position, { maxParts: 4, partKeys: 256 });
  assertEquals([0, 1, 511, 512, 768, 1024].map(parts), [1, 1, 1, 2, 3, 4]);
  assertEquals([1e4, 1e5].map(parts), [4, 4]);
});
