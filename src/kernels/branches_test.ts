import { assertEquals } from "@std/assert";
import {
  download,
  poisoned,
  randomFloats,
  run,
  upload,
} from "../../tests/gpu.ts";
import { batchOf, hardware, scopeTest, software } from "../../tests/kernels.ts";
import type { Gpu } from "../gpu/gpu.ts";
import type { KernelScope } from "../gpu/kernel.ts";
import { createAttention } from "./attention.ts";
import {
  type AttentionVariant,
  attentionVariants,
} from "./attention_variants.ts";
import { type Batch, branchWords } from "./batch.ts";
import { headBytes, headOctets, KV_TYPES, type KvType } from "./kv_cache.ts";
import { createRope, ropeTable } from "./rope.ts";

interface Case {
  headDim?: number;
  kv: KvType;
  /** Rows in the cache before the batch. */
  past: number;
  /** Rows of the batch before the fork. Defaults to 0. */
  stem?: number;
  /** Rows of each branch. */
  branches: readonly number[];
  /** Keys that a row sees. Defaults to all. */
  window?: number;
  /** Every how many branches one is compared. Defaults to 1. */
  step?: number;
}

const HEADS = { heads: 4, kvHeads: 2 };

/** Every branch has to come out as it does alone behind what it continues. */
async function check(
  scope: KernelScope,
  { variant, ...options }: Case & { variant: AttentionVariant },
): Promise<void> {
  const { gpu } = scope;
  const { headDim = 64, kv, past, stem = 0, branches, window } = options;
  const { heads, kvHeads } = HEADS;
  const fork = past + stem;
  const own = branches.reduce((sum, rows) => sum + rows, 0);
  const width = (heads + 2 * kvHeads) * headDim;
  const stride = heads * headDim;
  const slots = fork + own;
  const shape = { ...HEADS, headDim, kv };
  const rope = await createRope(scope, { ...shape, stride: width });
  const attention = await createAttention(scope, {
    ...{ ...shape, stride, window, variant },
  });
  const angles = { context: slots, headDim, dims: headDim, base: 10000 };
  const table = upload(gpu, ropeTable(angles));
  const qkv = randomFloats(slots * width, 7);
  const rowsOf = (first: number, end: number) =>
    qkv.slice(first * width, end * width);
  const slotWords = kvHeads * headBytes(headDim, kv) / 4;
  const qWords = heads * headOctets(headDim) * 8;

  /** The words of q, y, k and v that batches leave, of the last one's rows. */
  const attend = async (
    batches: (Partial<Batch> & { input: Float32Array<ArrayBuffer> })[],
    gaps?: number[],
  ) => {
    const [k, v] = [0, 1].map(() => poisoned(gpu, slots * slotWords));
    const cache = { k: k!, v: v! };
    let position = 0;
    let q: GPUBuffer | undefined;
    let y: GPUBuffer | undefined;
    for (const { input, ...rest } of batches) {
      const rows = input.length / width;
      q = poisoned(gpu, Math.max(1, rows) * qWords);
      y = poisoned(gpu, Math.max(1, rows) * stride);
      if (rows === 0) continue;
      const batch = batchOf(scope, { rows, position, ...rest });
      const table2 = gaps && rest.fork !== undefined
        ? { branches: upload(gpu, branchWords(gaps)) }
        : {};
      const bound = { ...cache, q, batch, ...table2 };
      const append = rope.bind({ ...bound, qkv: upload(gpu, input), table });
      const step = attention.bind({ ...bound, y });
      run(gpu, (pass) => append(pass, rows), (pass) => step(pass, rows));
      position += rows;
    }
    const words = async (buffer: GPUBuffer) =>
      new Uint32Array((await download(gpu, buffer)).buffer);
    const read = [q!, y!, cache.k, cache.v].map(words);
    const [qs, ys, ks, vs] = await Promise.all(read);
    return { q: qs!, y: ys!, k: ks!, v: vs! };
  };

  const gapOf = (i: number) =>
    branches.slice(0, i).reduce((sum, rows) => sum + rows, 0);
  const gaps = [
    ...Array<number>(stem).fill(0),
    ...branches.flatMap((rows, i) => Array<number>(rows).fill(gapOf(i))),
  ];
  const before = { input: rowsOf(0, past) };
  const compared = branches.map((rows, i) => ({ i, rows, gap: gapOf(i) }))
    .filter(({ i }) => i % (options.step ?? 1) === 0);
  const [all, ...each] = await Promise.all([
    attend([before, { input: rowsOf(past, slots), fork }], gaps),
    ...compared.map(({ rows, gap }) =>
      attend([before, {
        input: Float32Array.from([
          ...rowsOf(past, fork),
          ...rowsOf(fork + gap, fork + gap + rows),
        ]),
      }])
    ),
  ]);
  for (const [j, alone] of each.entries()) {
    const { i, rows, gap } = compared[j]!;
    const at = fork + gap;
    const what = `branch ${i}`;
    const part = (
      words: Uint32Array,
      size: number,
      { from, count }: { from: number; count: number },
    ) => words.subarray(from * size, (from + count) * size);
    for (const [name, size] of [["q", qWords], ["y", stride]] as const) {
      const stemRows = { from: 0, count: stem };
      assertEquals(
        part(all[name], size, stemRows),
        part(alone[name], size, stemRows),
        `${name} of the rows before ${what}`,
      );
      assertEquals(
        part(all[name], size, { from: at - past, count: rows }),
        part(alone[name], size, { from: stem, count: rows }),
        `${name} of ${what}`,
      );
    }
    for (const name of ["k", "v"] as const) {
      assertEquals(
        part(all[name], slotWords, { from: at, count: rows }),
        part(alone[name], slotWords, { from: fork, count: rows }),
        `${name} of ${what}`,
      );
    }
  }
}

/** Registers a test for each variant that software or hardware can run. */
function branchTest(what: string, options: Case): void {
  if (software === null || hardware === null) return;
  const { headDim = 64, kv } = options;
  const register = (gpu: Gpu, variant: AttentionVariant, where = "") =>
    scopeTest(
      `attention.${variant} gives branches the same as alone when ${what} (${kv})${where}`,
      (scope) => check(scope, { ...options, variant }),
      gpu,
    );
  for (const variant of attentionVariants(software, headDim)) {
    register(software, variant);
  }
  for (const variant of attentionVariants(hardware, headDim)) {
    if (variant === "broadcast") continue;
    register(hardware, variant, " (workgroups of hardware)");
  }
}

for (const kv of KV_TYPES) {
  branchTest("they begin within a tile", {
    ...{ kv, past: 21, stem: 1, branches: [3, 1, 7, 20, 2] },
  });
}
// Keys are worked on by 4, 8 or 64, rows by 8, 16, 64 or 128.
for (const past of [1, 7, 8, 64]) {
  branchTest(`they begin at ${past}`, {
    ...{ kv: "f32", past, branches: [1, 9, 1, 1, 5] },
  });
}
branchTest("all that they continue is in their batch", {
  ...{ kv: "f16", past: 0, stem: 19, branches: [2, 6, 3] },
});
branchTest("there is but one", {
  ...{ kv: "f16", past: 30, stem: 2, branches: [5] },
});
branchTest("they are many", {
  ...{ kv: "f16", past: 12, stem: 1, step: 23 },
  branches: Array(70).fill(2),
});
for (const window of [1, 5, 13, 40]) {
  branchTest(`a row sees ${window} keys`, {
    ...{ kv: "f16", past: 26, stem: 3, branches: [3, 8, 17, 1], window },
  });
}
for (const headDim of [8, 128]) {
  branchTest(`heads are ${headDim} wide`, {
    ...{ headDim, kv: "q8_0", past: 13, stem: 1, branches: [4, 4, 9] },
  });
}

Deno.test("branchWords() tells where each row's branch ends", () => {
  assertEquals([...branchWords([0, 0, 3, 3, 3, 5])], [
    ...[0, 2, 0, 2, 3, 5, 3, 5, 3, 5, 5, 6],
  ]);
  assertEquals([...branchWords([])], []);
});
