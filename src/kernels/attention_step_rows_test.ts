import { assertEquals, assertThrows } from "@std/assert";
import { download, randomFloats, run, upload } from "../../tests/gpu.ts";
import {
  batchOf,
  hardware,
  poisonedOutput,
  scopeTest,
  software,
} from "../../tests/kernels.ts";
import { uploadKv } from "../../tests/kv.ts";
import type { Gpu } from "../gpu/gpu.ts";
import type { KernelScope } from "../gpu/kernel.ts";
import { createAttentionStep } from "./attention_step.ts";
import {
  type AttentionStepVariant,
  attentionStepVariants,
} from "./attention_variants.ts";
import { MAX_STEPS } from "./batch.ts";
import { KV_TYPES, type KvType } from "./kv_cache.ts";
import { roundHeads } from "./kv_round.ts";
import { ropeTable } from "./rope.ts";

interface Case {
  headDim: number;
  heads: number;
  kvHeads: number;
  kv: KvType;
  /** Positions of the first row. */
  positions: readonly number[];
  /** Rows that run together. */
  rows: readonly number[];
  /** Keys that a row sees. Defaults to all. */
  window?: number;
}

/** The words of a buffer: NaN equals only the same NaN. */
async function words(gpu: Gpu, buffer: GPUBuffer): Promise<Uint32Array> {
  return new Uint32Array((await download(gpu, buffer)).buffer);
}

/** Rows together and one after the other have to leave the same words. */
async function check(
  scope: KernelScope,
  options: Case & { variant: AttentionStepVariant },
): Promise<void> {
  const { gpu } = scope;
  const { headDim, heads, kvHeads, kv, variant, positions, rows } = options;
  const stride = heads * headDim + 3;
  const width = (heads + 2 * kvHeads) * headDim;
  const most = Math.max(...positions) + MAX_STEPS;
  const qkv = randomFloats(MAX_STEPS * width, 1);
  const row = (i: number) => qkv.slice(i * width, (i + 1) * width);
  const cacheOf = (seed: number) => {
    const past = randomFloats(most * kvHeads * headDim, seed);
    const layout = { headDim, kv };
    return uploadKv(gpu, roundHeads(past, headDim, kv), layout);
  };
  const past = { k: cacheOf(2), v: cacheOf(3) };
  const copyOf = (buffer: GPUBuffer) => {
    const { size, usage } = buffer;
    const copy = gpu.device.createBuffer({ size, usage });
    const encoder = gpu.device.createCommandEncoder();
    encoder.copyBufferToBuffer(buffer, 0, copy, 0, size);
    gpu.device.queue.submit([encoder.finish()]);
    return copy;
  };
  const inputs = {
    all: upload(gpu, qkv),
    alone: Array.from({ length: MAX_STEPS }, (_, i) => upload(gpu, row(i))),
  };
  const angles = { headDim, dims: headDim, base: 10000 };
  const table = upload(gpu, ropeTable({ ...angles, context: most }));
  // So that a batch meets rows of one part and of several, and 256 keys make
  // more parts than 257.
  const parts = { maxParts: 4, partKeys: 32 };
  const shape = { heads, kvHeads, headDim, kv, stride };
  const step = await createAttentionStep(scope, {
    ...shape,
    ...parts,
    variant,
    window: options.window,
  });

  const record = (
    input: GPUBuffer,
    cache: { k: GPUBuffer; v: GPUBuffer },
    batch: { rows: number; position: number },
  ) => {
    const y = poisonedOutput(scope, batch.rows * stride);
    const kernel = step.bind({
      ...{ ...cache, table, y, qkv: input },
      batch: batchOf(scope, batch),
    });
    run(gpu, (pass) => kernel(pass, batch));
    return y;
  };
  const compare = async (position: number, rows: number) => {
    const together = { k: copyOf(past.k), v: copyOf(past.v) };
    const y = record(inputs.all, together, { rows, position });
    const apart = { k: copyOf(past.k), v: copyOf(past.v) };
    const ys = Array.from(
      { length: rows },
      (_, i) =>
        record(inputs.alone[i]!, apart, { rows: 1, position: position + i }),
    );
    const [all, ...each] = await Promise.all(
      [y, ...ys].map((buffer) => words(gpu, buffer)),
    );
    const caches = [together.k, apart.k, together.v, apart.v];
    const [k, oneK, v, oneV] = await Promise.all(
      caches.map((buffer) => words(gpu, buffer)),
    );
    const what = `${rows} rows at ${position}`;
    for (const [i, one] of each.entries()) {
      const start = i * stride;
      const part = all!.subarray(start, start + heads * headDim);
      assertEquals(part, one.subarray(0, heads * headDim), `${what}: y ${i}`);
    }
    assertEquals(k, oneK, `${what}: k`);
    assertEquals(v, oneV, `${what}: v`);
    for (const buffer of [...caches, y, ...ys]) buffer.destroy();
  };
  await Promise.all(
    positions.flatMap((position) =>
      rows.map((count) => compare(position, count))
    ),
  );
}

/** Registers a test for each variant that software or hardware can run. */
function rowsTest(options: Case): void {
  const { heads, kvHeads, headDim, kv, window } = options;
  const left = window === undefined ? "" : ` with a window of ${window}`;
  const devices = [["", software], [" (workgroups of hardware)", hardware]];
  for (const [where, gpu] of devices as [string, Gpu | null][]) {
    if (gpu === null) continue;
    for (const variant of attentionStepVariants(gpu, headDim)) {
      scopeTest(
        `attention_step.${variant} gives rows the same together and alone when heads are ${heads} on ${kvHeads} of ${headDim}${left} (${kv})${where}`,
        (scope) => check(scope, { ...options, variant }),
        gpu,
      );
    }
  }
}

const ROWS = [1, 2, 3, 5, 8];
const FEW = [2, 8];
for (const kv of KV_TYPES) {
  rowsTest({
    ...{ headDim: 64, heads: 4, kvHeads: 2, kv },
    ...{ positions: [0, 1, 63, 64, 65, 126, 190, 254], rows: ROWS },
  });
  for (
    const [headDim, heads, kvHeads] of [
      [8, 3, 3],
      [48, 2, 1],
      [80, 2, 2],
      [128, 4, 1],
      [256, 2, 2],
    ] as const
  ) {
    rowsTest({
      ...{ headDim, heads, kvHeads, kv },
      ...{ positions: [0, 64, 250], rows: FEW },
    });
  }
}

for (const window of [1, 3, 65, 130]) {
  rowsTest({
    ...{ headDim: 64, heads: 2, kvHeads: 1, kv: "f16", window },
    ...{ positions: [0, 60, 125, 250], rows: FEW },
  });
}

scopeTest(
  "createAttentionStep() refuses rows when they are too many",
  async (scope) => {
    const step = await createAttentionStep(scope, {
      ...{ heads: 1, kvHeads: 1, headDim: 8, stride: 8, kv: "f32" },
    });
    const buffer = poisonedOutput(scope, 1024);
    const kernel = step.bind({
      ...{ qkv: buffer, table: buffer, k: buffer, v: buffer, y: buffer },
      batch: batchOf(scope, {}),
    });
    for (const rows of [0, 9, 1.5, NaN]) {
      const record = (pass: GPUComputePassEncoder) =>
        kernel(pass, { rows, position: 0 });
      assertThrows(
        () => record({} as GPUComputePassEncoder),
        RangeError,
        `Cannot record attention: there are ${rows} rows, 1 to 8 are wanted`,
      );
    }
  },
);
