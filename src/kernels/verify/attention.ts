import type { Gpu } from "../../gpu/gpu.ts";
import type { KernelScope } from "../../gpu/kernel.ts";
import { createAttention } from "../attention.ts";
import { createAttentionStep } from "../attention_step.ts";
import { tileRows } from "../attention_tile.ts";
import {
  type AttentionStepVariant,
  attentionStepVariants,
  type AttentionVariant,
  attentionVariants,
  tileShape,
} from "../attention_variants.ts";
import { batchWords, branchWords, MAX_STEPS } from "../batch.ts";
import { headBytes, headOctets, KV_TYPES, type KvType } from "../kv_cache.ts";
import { roundHeads } from "../kv_round.ts";
import { strideOf } from "../matrix.ts";
import * as oracle from "../oracle.ts";
import { createRope, ropeTable } from "../rope.ts";
import { compare, output, randomFloats, upload } from "./inputs.ts";

/** Heads that the tests of attention run with. */
export interface AttentionHeads {
  /** Query heads. */
  heads: number;
  /** Key and value heads. */
  kvHeads: number;
  /** Head size. */
  headDim: number;
  /** Keys that a row sees. Defaults to all. */
  window?: number;
}

/** A test of one variant of attention. */
export interface AttentionTest {
  /** Whether it is attention of a batch, or of one row. */
  kind: "attention" | "attention_step";
  /** What `createAttention()` or `createAttentionStep()` is told. */
  variant: AttentionVariant | AttentionStepVariant;
  /** Element type of the cache. */
  kv: KvType;
  /** The kernels, the variant and the cache's type. */
  name: string;
  /** Runs it and returns the error. */
  run(scope: KernelScope): Promise<number>;
  /** Most error that the cache's rounding explains, where the rest is f32. */
  limit: number;
}

/** Options for {@linkcode attentionTests}. */
export interface AttentionTestOptions {
  /** The heads. */
  heads?: AttentionHeads;
  /** The caches. */
  kvTypes?: readonly KvType[];
}

const HEADS: AttentionHeads = { heads: 4, kvHeads: 2, headDim: 64 };
/** Rows of a batch behind those in the cache, and behind whole workgroups. */
const ROWS = 35;
/** Rows that stand in the cache before, one after the other. */
const PAST = 140;
/** Rows behind those before a second branch begins, and the rows of that. */
const STEM = 3;
const BRANCH = 5;

/**
 * Most error by cache: a value between two that the cache can hold may go
 * either way, and q8_0 has few of them.
 */
const LIMITS = { f32: 1e-7, f16: 1e-5, "q8_0": 1e-5 };

/**
 * The tests of every variant of attention that a device can choose.
 *
 * @param gpu The device.
 * @param options What a model has. Defaults to a few heads of 64, and every
 * cache.
 * @returns The tests, those of one kind and cache in order of preference.
 */
export function attentionTests(
  gpu: Gpu,
  { heads = HEADS, kvTypes = KV_TYPES }: AttentionTestOptions = {},
): AttentionTest[] {
  const { headDim } = heads;
  return kvTypes.flatMap((kv) => [
    ...attentionVariants(gpu, headDim).map((variant): AttentionTest => ({
      kind: "attention",
      variant,
      kv,
      name: `attention.${variant}.kv_${kv}`,
      limit: LIMITS[kv],
      run: (scope) => testAttention(scope, { ...heads, kv, variant }),
    })),
    ...attentionStepVariants(gpu, headDim).map((variant): AttentionTest => ({
      kind: "attention_step",
      variant,
      kv,
      name: `attention_step.${variant}.kv_${kv}`,
      limit: LIMITS[kv],
      run: (scope) => testAttentionStep(scope, { ...heads, kv, variant }),
    })),
  ]);
}

/** What one test runs with. */
interface TestOptions<Variant> extends AttentionHeads {
  kv: KvType;
  variant: Variant;
}

/**
 * Two batches through rope and attention, the second one behind the first, and
 * in more than one workgroup; then that once more, with a branch behind it.
 * Returns the larger error.
 */
async function testAttention(
  scope: KernelScope,
  options: TestOptions<AttentionVariant>,
): Promise<number> {
  const { heads, kvHeads, headDim, variant } = options;
  const rows = variant.startsWith("tile")
    ? tileRows(tileShape(headDim)) + ROWS
    : ROWS;
  const fork = PAST + STEM;
  const { qkv, expected, ...buffers } = attentionInput(scope, {
    ...options,
    rows: PAST + rows,
    branch: { fork, rows: BRANCH },
  });
  const width = (heads + 2 * kvHeads) * headDim;
  const stride = strideOf(heads * headDim);
  const y = headsOutput(scope, { ...options, rows });
  const most = Math.max(PAST, rows + BRANCH);
  const q = output(scope, most * heads * headOctets(headDim) * 8);
  const rope = await createRope(scope, { ...options, stride: width });
  const attention = await createAttention(scope, { ...options, stride });
  const batchOf = (rows: number, position: number) => {
    const words = batchWords({ rows, position, first: 0 });
    const batch = scope.pool.uniform(words);
    const end = (position + rows) * width;
    const part = upload(scope, qkv.slice(position * width, end));
    return rope.bind({ ...buffers, q, qkv: part, batch });
  };
  const [past, append] = [batchOf(PAST, 0), batchOf(rows, PAST)];
  const batch = scope.pool.uniform(
    batchWords({ rows, position: PAST, first: 0 }),
  );
  const attend = attention.bind({ ...buffers, q, y, batch });
  const behind = expected.slice(PAST * stride);
  const error = await compare(
    scope,
    (pass) => {
      past(pass, PAST);
      append(pass, rows);
      attend(pass, rows);
    },
    y,
    behind.slice(0, rows * stride),
  );
  const forked = rows + BRANCH;
  const branched = headsOutput(scope, { ...options, rows: forked });
  const bindings = {
    ...{ ...buffers, q, y: branched },
    qkv: upload(scope, qkv.slice(PAST * width)),
    batch: scope.pool.uniform(
      batchWords({ rows: forked, position: PAST, first: 0, fork }),
    ),
    branches: upload(
      scope,
      branchWords([
        ...Array<number>(rows).fill(0),
        ...Array<number>(BRANCH).fill(rows - STEM),
      ]),
    ),
  };
  const appendAll = rope.bind(bindings);
  const attendAll = attention.bind(bindings);
  const branchError = await compare(
    scope,
    (pass) => {
      appendAll(pass, forked);
      attendAll(pass, forked);
    },
    branched,
    behind,
  );
  return Math.max(error, branchError);
}

/**
 * Rows one by one: the last one's output has seen all of them. Then that row
 * again, over keys in several parts, and the last rows together, at once and as
 * two parts of a batch. Returns the largest error.
 */
async function testAttentionStep(
  scope: KernelScope,
  options: TestOptions<AttentionStepVariant>,
): Promise<number> {
  const { heads, kvHeads, headDim } = options;
  const all = PAST + ROWS;
  const { qkv, expected, ...buffers } = attentionInput(scope, {
    ...options,
    rows: all,
  });
  const width = (heads + 2 * kvHeads) * headDim;
  const stride = strideOf(heads * headDim);
  const run = async (
    maxParts: number,
    { rows, first, lanes = 1 }: {
      rows: number;
      first: number;
      lanes?: number;
    },
  ) => {
    const shape = { ...options, stride, maxParts, partKeys: 32 };
    const kernel = await createAttentionStep(scope, shape);
    const y = headsOutput(scope, { ...options, rows });
    const steps: ((pass: GPUComputePassEncoder) => void)[] = [];
    for (let position = first; position < all; position += rows) {
      const input = qkv.slice(position * width, (position + rows) * width);
      const bindings = { ...buffers, y, qkv: upload(scope, input) };
      const count = rows / lanes;
      for (let row = 0; row < rows; row += count) {
        const part = { rows: count, position: position + row };
        const batch = scope.pool.uniform(batchWords({ ...part, first: row }));
        const bound = kernel.bind({ ...bindings, batch });
        steps.push((pass) => bound(pass, part));
      }
    }
    return await compare(
      scope,
      (pass) => steps.forEach((step) => step(pass)),
      y,
      expected.slice(-rows * stride),
    );
  };
  return Math.max(
    await run(1, { rows: 1, first: 0 }),
    await run(4, { rows: 1, first: all - 1 }),
    await run(4, { rows: MAX_STEPS, first: all - MAX_STEPS }),
    await run(4, { rows: MAX_STEPS, first: all - MAX_STEPS, lanes: 2 }),
  );
}

/** NaN where heads go, and the zeros that stand behind a row's. */
function headsOutput(
  scope: KernelScope,
  { rows, heads, headDim }: AttentionHeads & { rows: number },
): GPUBuffer {
  const stride = strideOf(heads * headDim);
  const isHead = (i: number) => i % stride < heads * headDim;
  const length = rows * stride;
  const values = Float32Array.from({ length }, (_, i) => isHead(i) ? NaN : 0);
  return upload(scope, values);
}

/**
 * Rows of q, k and v, an empty cache, and what attention makes of them; behind
 * them those of a branch, which continues the rows before `fork`.
 */
function attentionInput(
  scope: KernelScope,
  { heads, kvHeads, headDim, window = Infinity, kv, rows, branch }:
    & AttentionHeads
    & {
      kv: KvType;
      rows: number;
      branch?: { fork: number; rows: number };
    },
) {
  const angles = { dims: headDim, base: 10000 };
  const width = (heads + 2 * kvHeads) * headDim;
  const all = rows + (branch?.rows ?? 0);
  const qkv = randomFloats(all * width, 5);
  // What no row has written must not show.
  const cache = () =>
    output(scope, (all + 1) * kvHeads * headBytes(headDim, kv) / 4);
  const keys: number[] = [];
  const values: number[] = [];
  const expected = new Float64Array(all * strideOf(heads * headDim));
  for (let row = 0; row < all; row++) {
    if (branch !== undefined && row === rows) {
      keys.length = values.length = branch.fork * kvHeads * headDim;
    }
    const position = keys.length / (kvHeads * headDim);
    const head = (i: number) => {
      const start = row * width + i * headDim;
      return qkv.subarray(start, start + headDim);
    };
    const rotated = (i: number) =>
      oracle.rope(head(i), { ...angles, position });
    const q = Array.from({ length: heads }, (_, i) => [...rotated(i)]).flat();
    for (let i = 0; i < kvHeads; i++) {
      keys.push(...roundHeads(rotated(heads + i), headDim, kv));
      values.push(...roundHeads(head(heads + kvHeads + i), headDim, kv));
    }
    const shape = { heads, kvHeads, headDim, window, keys: position + 1 };
    const y = oracle.attention(q, keys, values, shape);
    expected.set(y, row * strideOf(heads * headDim));
  }
  const table = ropeTable({ ...angles, context: rows, headDim });
  return {
    qkv,
    table: upload(scope, table),
    k: cache(),
    v: cache(),
    expected,
  };
}
