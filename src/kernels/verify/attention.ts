import type { KernelScope } from "../../gpu/kernel.ts";
import { createAttention, createAttentionStep } from "../attention.ts";
import { batchWords } from "../batch.ts";
import { headQuads, KV_FORMATS, type KvType } from "../kv_cache.ts";
import { strideOf } from "../matrix.ts";
import * as oracle from "../oracle.ts";
import { createRope, ropeTable } from "../rope.ts";
import {
  BATCH,
  batch,
  compare,
  output,
  randomFloats,
  upload,
} from "./inputs.ts";

const HEADS = { heads: 4, kvHeads: 2, headDim: 64 };
const HEADS_WIDTH = (HEADS.heads + 2 * HEADS.kvHeads) * HEADS.headDim;
const HEADS_STRIDE = strideOf(HEADS.heads * HEADS.headDim);

/** A batch through rope and attention. */
export async function testAttention(
  scope: KernelScope,
  kv: KvType,
): Promise<number> {
  const { heads, headDim } = HEADS;
  const { qkv, table, k, v, expected } = attentionInput(scope, kv);
  const buffers = {
    q: output(scope, BATCH * heads * headQuads(headDim) * 4),
    k,
    v,
    batch: batch(scope),
  };
  const y = output(scope, BATCH * HEADS_STRIDE);
  const rope = (await createRope(scope, { ...HEADS, stride: HEADS_WIDTH, kv }))
    .bind({ ...buffers, qkv: upload(scope, qkv), table });
  const shape = { ...HEADS, stride: HEADS_STRIDE, kv };
  const attention = (await createAttention(scope, shape))
    .bind({ ...buffers, y });
  return await compare(
    scope,
    (pass) => {
      rope(pass, BATCH);
      attention(pass, BATCH);
    },
    y,
    expected,
  );
}

/** The same rows one by one; the last one's output has seen all of them. */
export async function testAttentionStep(
  scope: KernelScope,
  kv: KvType,
): Promise<number> {
  const { qkv, table, k, v, expected } = attentionInput(scope, kv);
  const y = output(scope, HEADS_STRIDE);
  const shape = { ...HEADS, stride: HEADS_STRIDE, kv };
  const kernel = await createAttentionStep(scope, shape);
  const steps = Array.from({ length: BATCH }, (_, position) => {
    const row = qkv.slice(position * HEADS_WIDTH, (position + 1) * HEADS_WIDTH);
    const words = batchWords({ rows: 1, position, first: 0 });
    const batch = scope.pool.uniform(words);
    return kernel.bind({ qkv: upload(scope, row), table, k, v, y, batch });
  });
  return await compare(
    scope,
    (pass) => {
      for (const step of steps) step(pass, 1);
    },
    y,
    expected.slice(-HEADS_STRIDE),
  );
}

/** Rows of q, k and v, an empty cache, and what attention makes of them. */
function attentionInput(scope: KernelScope, kv: KvType) {
  const { heads, kvHeads, headDim } = HEADS;
  const angles = { dims: headDim, base: 10000 };
  const qkv = randomFloats(BATCH * HEADS_WIDTH, 5);
  const size = BATCH * kvHeads * headQuads(headDim) * KV_FORMATS[kv].quadBytes;
  const cache = () => scope.pool.create({ label: "test.kv", size });
  const keys: number[] = [];
  const values: number[] = [];
  const expected: number[] = [];
  for (let position = 0; position < BATCH; position++) {
    const head = (i: number) => {
      const start = position * HEADS_WIDTH + i * headDim;
      return qkv.subarray(start, start + headDim);
    };
    const rotated = (i: number) =>
      oracle.rope(head(i), { ...angles, position });
    const q = Array.from({ length: heads }, (_, i) => [...rotated(i)]).flat();
    for (let i = 0; i < kvHeads; i++) {
      keys.push(...rotated(heads + i));
      values.push(...head(heads + kvHeads + i));
    }
    const options = { ...HEADS, keys: position + 1 };
    expected.push(...oracle.attention(q, keys, values, options));
  }
  const table = ropeTable({ ...angles, context: BATCH, headDim });
  return {
    qkv,
    table: upload(scope, table),
    k: cache(),
    v: cache(),
    expected,
  };
}
