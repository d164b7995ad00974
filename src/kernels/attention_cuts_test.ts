import { assertEquals } from "@std/assert";
import { download, randomFloats, run } from "../../tests/gpu.ts";
import {
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

interface Case {
  headDim: number;
  heads: number;
  kvHeads: number;
  kv: KvType;
  /** Rows of the prompt that are compared. */
  rows: number;
  /** Position of the first one. Defaults to 0. */
  position?: number;
  /** Keys that a row sees. Defaults to all. */
  window?: number;
  /** Rows in front of which it is cut, a prompt each. */
  cuts: readonly (readonly number[])[];
}

/** Rows have to come out the same, wherever the prompt is cut into batches. */
async function check(
  scope: KernelScope,
  options: Case & { variant: AttentionVariant },
): Promise<void> {
  const { gpu } = scope;
  const { headDim, heads, kvHeads, kv, rows, position = 0, cuts } = options;
  const stride = heads * headDim;
  const size = kvHeads * headDim;
  const keys = (position + rows) * size;
  const q = randomFloats(rows * stride, 1);
  const k = roundHeads(randomFloats(keys, 2), headDim, kv);
  const v = roundHeads(randomFloats(keys, 3), headDim, kv);
  const kernel = await createAttention(scope, { ...options, stride });

  /** The words that rows `first` to `end` leave, keys up to theirs being there. */
  const attend = async (first: number, end: number) => {
    const y = poisonedOutput(scope, (end - first) * stride);
    const cache = (values: Float64Array) => {
      const there = values.slice(0, (position + end) * size);
      return uploadKv(gpu, there, { headDim, kv });
    };
    const batch = { rows: end - first, position: position + first };
    const bound = kernel.bind({
      q: uploadQ(gpu, q.subarray(first * stride, end * stride), headDim),
      ...{ k: cache(k), v: cache(v) },
      ...{ y, batch: batchOf(scope, batch) },
    });
    run(gpu, (pass) => bound(pass, batch.rows));
    const floats = await download(gpu, y, batch.rows * stride);
    return new Uint32Array(floats.buffer, 0, floats.length);
  };
  const whole = await attend(0, rows);
  for (const cut of cuts) {
    const starts = [0, ...cut];
    const parts = await Promise.all(
      starts.map((first, i) => attend(first, starts[i + 1] ?? rows)),
    );
    for (const [i, part] of parts.entries()) {
      const start = starts[i]! * stride;
      const same = whole.subarray(start, start + part.length);
      assertEquals(part, same, `rows from ${starts[i]} of those cut at ${cut}`);
    }
  }
}

/** Registers a test for each variant that software or hardware can run. */
function cutTest(what: string, options: Case): void {
  const { headDim, kv } = options;
  const devices = [["", software], [" (workgroups of hardware)", hardware]];
  for (const [where, gpu] of devices as [string, Gpu | null][]) {
    if (gpu === null) continue;
    for (const variant of attentionVariants(gpu, headDim)) {
      scopeTest(
        `attention.${variant} gives rows the same in any batch when ${what} (${kv})${where}`,
        (scope) => check(scope, { ...options, variant }),
        gpu,
      );
    }
  }
}

/** Every row alone. */
const alone = (rows: number) =>
  Array.from({ length: rows - 1 }, (_, i) => i + 1);

for (const kv of KV_TYPES) {
  // More than the 128 rows of a tile's workgroup, and the 16 of a broadcast's.
  cutTest("a prompt begins", {
    ...{ headDim: 64, heads: 1, kvHeads: 1, kv, rows: 135 },
    cuts: [[1], [3, 4, 9], [16, 17], [64], [127], [128], [129, 134]],
  });
  for (const window of [Infinity, 5, 37]) {
    const left = window === Infinity ? "" : ` with a window of ${window}`;
    cutTest(`rows follow others${left}`, {
      ...{ headDim: 64, heads: 4, kvHeads: 2, kv, window },
      ...{ rows: 21, position: 69 },
      cuts: [alone(21), [7, 14], [20], [1, 9], [11]],
    });
  }
}
for (const headDim of [8, 80, 128, 256]) {
  cutTest(`heads are ${headDim} wide`, {
    ...{ headDim, heads: 2, kvHeads: 1, kv: "f16", window: 30 },
    ...{ rows: 40, position: 11 },
    cuts: [[1], [8, 15], [32], [39]],
  });
}
