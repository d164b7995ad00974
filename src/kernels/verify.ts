import { BufferPool } from "../gpu/buffers.ts";
import type { Gpu } from "../gpu/gpu.ts";
import type { KernelScope } from "../gpu/kernel.ts";
import { createReadback } from "../gpu/readback.ts";
import { createAttention, createAttentionStep } from "./attention.ts";
import { batchWords } from "./batch.ts";
import { createEmbed } from "./embed.ts";
import { headQuads, KV_FORMATS, type KvType } from "./kv_cache.ts";
import { createMatmul } from "./matmul.ts";
import { createMatrix, type Matrix, strideOf } from "./matrix.ts";
import { createMatvec, createMatvecSwiglu, type FoldedNorm } from "./matvec.ts";
import * as oracle from "./oracle.ts";
import type { Codec } from "./quant/codec.ts";
import { CODECS } from "./quant/codecs.ts";
import { createRepack } from "./quant/repack.ts";
import { createRmsNorm } from "./rms_norm.ts";
import { createRope, ropeTable } from "./rope.ts";
import { createSwiglu } from "./swiglu.ts";

/** How far a kernel is from the plain TypeScript reference on this device. */
export interface KernelCheck {
  /** The kernel and its variant. */
  kernel: string;
  /** Normalised mean squared error against the reference in f64. */
  error: number;
  /** Whether that is within what f32 arithmetic explains. */
  ok: boolean;
  /** Why it could not be run, where it could not. */
  problem?: string;
}

/** Most error of a kernel in f32; drivers that work stay below 1e-12. */
const LIMIT = 1e-7;
/** Most error where values pass through an f16 cache. */
const F16_LIMIT = 1e-5;

const ROWS = 70;
const COLS = 256;
const NORM: FoldedNorm = { dim: COLS, eps: 1e-5 };
const BATCH = 5;

/**
 * Runs every kernel once on small random inputs and compares it with its
 * reference: some drivers compile a kernel and compute something else.
 *
 * @param gpu The device.
 * @returns One result a kernel variant; it never throws for a wrong one.
 */
export async function verifyKernels(gpu: Gpu): Promise<KernelCheck[]> {
  const results: KernelCheck[] = [];
  const run = async (
    kernel: string,
    test: (scope: KernelScope) => Promise<number>,
    limit = LIMIT,
  ) => {
    using pool = new BufferPool(gpu.device);
    let error = NaN;
    try {
      error = await test({ gpu, pool });
      results.push({ kernel, error, ok: error <= limit });
    } catch (cause) {
      const problem = cause instanceof Error ? cause.message : String(cause);
      results.push({ kernel, error, ok: false, problem });
    }
  };
  const reduce = gpu.subgroupSize > 0 ? "subgroups" : "no subgroups";
  for (const codec of CODECS.values()) {
    await run(`embed.${codec.name}`, (scope) => testEmbed(scope, codec));
    await run(
      `matvec.${codec.name} (${reduce})`,
      (scope) => testMatvec(scope, codec),
    );
    await run(
      `matvec_swiglu.${codec.name} (${reduce})`,
      (scope) => testMatvecSwiglu(scope, codec),
    );
    await run(
      `matvec_norm.${codec.name} (${reduce})`,
      (scope) => testMatvec(scope, codec, NORM),
    );
    await run(
      `matvec_swiglu_norm.${codec.name} (${reduce})`,
      (scope) => testMatvecSwiglu(scope, codec, NORM),
    );
    await run(`matmul.${codec.name}`, (scope) => testMatmul(scope, codec));
  }
  await run("rms_norm", testRmsNorm);
  await run("swiglu", testSwiglu);
  for (const kv of ["f16", "f32"] as const) {
    const limit = kv === "f16" ? F16_LIMIT : LIMIT;
    const batch = (scope: KernelScope) => testAttention(scope, kv);
    await run(`rope and attention.kv_${kv}`, batch, limit);
    const step = (scope: KernelScope) => testAttentionStep(scope, kv);
    await run(`attention_step.kv_${kv}`, step, limit);
  }
  return results;
}

async function testEmbed(scope: KernelScope, codec: Codec): Promise<number> {
  const { matrix, weights } = await randomMatrix(scope, codec, ROWS);
  const tokens = Uint32Array.of(3, ROWS - 1, 0, 3, 17);
  const y = output(scope, BATCH * COLS);
  const kernel = (await createEmbed(scope, matrix))
    .bind({ tokens: upload(scope, tokens), y, batch: batch(scope) });
  const expected = [...tokens].flatMap((token) =>
    Array.from(weights.subarray(token * COLS, (token + 1) * COLS))
  );
  return await compare(scope, (pass) => kernel(pass, BATCH), y, expected);
}

async function testMatvec(
  scope: KernelScope,
  codec: Codec,
  norm?: FoldedNorm,
): Promise<number> {
  const { matrix, weights } = await randomMatrix(scope, codec, ROWS);
  const { x, normalized, buffers } = vectorInput(scope, norm);
  const y = output(scope, ROWS);
  const kernel = (await createMatvec(scope, matrix, { norm }))
    .bind({ x, y, ...buffers });
  const shape = { rows: ROWS, cols: COLS };
  const expected = oracle.matmul(weights, normalized, shape);
  return await compare(scope, (pass) => kernel(pass, 1), y, expected);
}

async function testMatvecSwiglu(
  scope: KernelScope,
  codec: Codec,
  norm?: FoldedNorm,
): Promise<number> {
  const { matrix, weights } = await randomMatrix(scope, codec, 2 * ROWS);
  const { x, normalized, buffers } = vectorInput(scope, norm);
  const y = output(scope, ROWS);
  const kernel = (await createMatvecSwiglu(scope, matrix, { norm }))
    .bind({ x, y, ...buffers });
  const shape = { rows: 2 * ROWS, cols: COLS };
  const both = oracle.matmul(weights, normalized, shape);
  const expected = oracle.swiglu(both.subarray(0, ROWS), both.subarray(ROWS));
  return await compare(scope, (pass) => kernel(pass, 1), y, expected);
}

/** The input of a matrix-vector product, and what its norm makes of it. */
function vectorInput(scope: KernelScope, norm: FoldedNorm | undefined) {
  const values = randomFloats(COLS, 5);
  const x = upload(scope, values);
  if (norm === undefined) return { x, normalized: values, buffers: {} };
  const weight = randomFloats(COLS, 6);
  const normalized = oracle.rmsNorm(values, weight, norm.eps);
  return { x, normalized, buffers: { normWeight: upload(scope, weight) } };
}

async function testMatmul(scope: KernelScope, codec: Codec): Promise<number> {
  const { matrix, weights } = await randomMatrix(scope, codec, ROWS);
  const x = randomFloats(BATCH * COLS, 5);
  const y = output(scope, BATCH * ROWS);
  const kernel = (await createMatmul(scope, matrix, { yStride: ROWS }))
    .bind({ x: upload(scope, x), y, batch: batch(scope) });
  const expected = oracle.matmul(weights, x, { rows: ROWS, cols: COLS });
  return await compare(scope, (pass) => kernel(pass, BATCH), y, expected);
}

async function testRmsNorm(scope: KernelScope): Promise<number> {
  const eps = 1e-5;
  const x = randomFloats(BATCH * COLS, 5);
  const weight = randomFloats(COLS, 6);
  const y = output(scope, BATCH * COLS);
  const kernel = (await createRmsNorm(scope, { dim: COLS, eps })).bind({
    x: upload(scope, x),
    weight: upload(scope, weight),
    y,
    batch: batch(scope),
  });
  const expected = oracle.rmsNorm(x, weight, eps);
  return await compare(scope, (pass) => kernel(pass, BATCH), y, expected);
}

async function testSwiglu(scope: KernelScope): Promise<number> {
  const x = randomFloats(BATCH * 2 * COLS, 5);
  const y = output(scope, BATCH * COLS);
  const shape = { dim: COLS, xStride: 2 * COLS, yStride: COLS };
  const kernel = (await createSwiglu(scope, shape))
    .bind({ x: upload(scope, x), y, batch: batch(scope) });
  const expected = Array.from({ length: BATCH }, (_, m) => {
    const row = x.subarray(m * 2 * COLS, (m + 1) * 2 * COLS);
    return [...oracle.swiglu(row.subarray(0, COLS), row.subarray(COLS))];
  }).flat();
  return await compare(scope, (pass) => kernel(pass, BATCH), y, expected);
}

const HEADS = { heads: 4, kvHeads: 2, headDim: 64 };
const HEADS_WIDTH = (HEADS.heads + 2 * HEADS.kvHeads) * HEADS.headDim;
const HEADS_STRIDE = strideOf(HEADS.heads * HEADS.headDim);

/** A batch through rope and attention. */
async function testAttention(
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
async function testAttentionStep(
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

/** Weights on the GPU, and what the reference makes of their bytes. */
async function randomMatrix(
  scope: KernelScope,
  codec: Codec,
  rows: number,
): Promise<{ matrix: Matrix; weights: Float32Array }> {
  const { maxStorageBufferBindingSize: maxBytes } = scope.gpu.device.limits;
  const label = `test.${codec.name}`;
  const shape = { label, rows, cols: COLS, codec, maxBytes };
  const matrix = createMatrix(scope.pool, shape);
  const bytes = randomBlocks(codec, rows * COLS);
  const repack = createRepack(scope, { chunkBytes: bytes.length });
  await repack.write({ bytes, matrix, part: matrix.parts[0]!, row: 0, rows });
  return { matrix, weights: codec.dequantize(bytes) };
}

/** Blocks of random bits, but for the floats in them, which are of size 1. */
function randomBlocks(codec: Codec, count: number): Uint8Array<ArrayBuffer> {
  const { weights, bytes: blockBytes, floats } = codec.fileBlock;
  const blocks = count / weights;
  const random = randomFloats(blocks * blockBytes, 9);
  const bytes = Uint8Array.from(random, (value) => value * 2 ** 16);
  const view = new DataView(bytes.buffer);
  for (let block = 0; block < blocks; block++) {
    for (const { offset, type } of floats) {
      const at = block * blockBytes + offset;
      const value = random[at]!;
      if (type === "f32") view.setFloat32(at, value, true);
      else if (type === "f16") view.setFloat16(at, value, true);
      else view.setUint16(at, bfloat16(value), true);
    }
  }
  return bytes;
}

function bfloat16(value: number): number {
  return new Uint32Array(Float32Array.of(value).buffer)[0]! >>> 16;
}

/** Seeded floats between -2 and 2. */
function randomFloats(length: number, seed: number): Float32Array<ArrayBuffer> {
  let state = seed;
  return Float32Array.from({ length }, () => {
    // xorshift32
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state / 2 ** 30;
  });
}

function batch({ pool }: KernelScope): GPUBuffer {
  return pool.uniform(batchWords({ rows: BATCH, position: 0, first: 0 }));
}

function upload(
  { gpu, pool }: KernelScope,
  data: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>,
): GPUBuffer {
  const buffer = pool.create({ label: "test.input", size: data.byteLength });
  gpu.device.queue.writeBuffer(buffer, 0, data);
  return buffer;
}

/** A buffer of NaN, so that a kernel that writes nothing fails. */
function output(scope: KernelScope, length: number): GPUBuffer {
  return upload(scope, new Float32Array(Math.ceil(length / 4) * 4).fill(NaN));
}

/** Runs kernels and returns the error of what they wrote. */
async function compare(
  { gpu, pool }: KernelScope,
  record: (pass: GPUComputePassEncoder) => void,
  y: GPUBuffer,
  expected: ArrayLike<number>,
): Promise<number> {
  await pool.check("the self-test");
  const sync = gpu.syncReadback;
  const readback = createReadback(gpu.device, { size: y.size, sync });
  try {
    const encoder = gpu.device.createCommandEncoder({ label: "self-test" });
    const pass = encoder.beginComputePass();
    record(pass);
    pass.end();
    encoder.copyBufferToBuffer(y, 0, readback.buffer, 0, y.size);
    gpu.device.queue.submit([encoder.finish()]);
    const actual = new Float32Array(await readback.read(y.size));
    let error = 0;
    let power = 0;
    for (let i = 0; i < expected.length; i++) {
      error += (actual[i]! - expected[i]!) ** 2;
      power += expected[i]! ** 2;
    }
    return error / power;
  } finally {
    readback.buffer.destroy();
  }
}
