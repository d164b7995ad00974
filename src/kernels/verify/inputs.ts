import { createReadback } from "../../gpu/readback.ts";
import type { KernelScope } from "../../gpu/kernel.ts";
import { batchWords } from "../batch.ts";
import { createMatrix, type Matrix } from "../matrix.ts";
import { nmse } from "../nmse.ts";
import type { Codec } from "../quant/codec.ts";
import { randomBlocks } from "../quant/random_blocks.ts";
import { createRepack } from "../repack.ts";

/** Weights on the GPU, and what the reference makes of their bytes. */
export async function randomMatrix(
  scope: KernelScope,
  codec: Codec,
  { rows, cols }: { rows: number; cols: number },
): Promise<{ matrix: Matrix; weights: Float32Array }> {
  const label = `test.${codec.name}`;
  // It is small for any device: one part, as products with a gate want it.
  const shape = { label, rows, cols, codec, maxBytes: Infinity };
  const matrix = createMatrix(scope.pool, shape);
  const bytes = randomBlocks(codec, { weights: rows * cols, seed: 9 });
  const repack = createRepack(scope, {
    chunkBytes: bytes.length,
    codecs: [codec],
  });
  await repack.write({ bytes, matrix, part: matrix.parts[0]!, row: 0, rows });
  repack.finish();
  return { matrix, weights: codec.dequantize(bytes) };
}

/** Seeded floats between -2 and 2. */
export function randomFloats(
  length: number,
  seed: number,
): Float32Array<ArrayBuffer> {
  let state = seed;
  return Float32Array.from({ length }, () => {
    // xorshift32
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state / 2 ** 30;
  });
}

/** A batch of rows, from position 0. */
export function batch({ pool }: KernelScope, rows: number): GPUBuffer {
  return pool.uniform(batchWords({ rows, position: 0, first: 0 }));
}

/** A buffer with `data` in it. */
export function upload(
  { gpu, pool }: KernelScope,
  data: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>,
): GPUBuffer {
  const buffer = pool.create({ label: "test.input", size: data.byteLength });
  gpu.device.queue.writeBuffer(buffer, 0, data);
  return buffer;
}

/** A buffer of NaN, so that a kernel that writes nothing fails. */
export function output(scope: KernelScope, length: number): GPUBuffer {
  return upload(scope, new Float32Array(Math.ceil(length / 4) * 4).fill(NaN));
}

/** Runs kernels whose results only other kernels read. */
export function submit(
  { gpu: { device } }: KernelScope,
  record: (pass: GPUComputePassEncoder) => void,
): void {
  const encoder = device.createCommandEncoder({ label: "self-test" });
  const pass = encoder.beginComputePass();
  record(pass);
  pass.end();
  device.queue.submit([encoder.finish()]);
}

/** Runs kernels and returns the error of what they wrote. */
export async function compare(
  scope: KernelScope,
  record: (pass: GPUComputePassEncoder) => void,
  y: GPUBuffer,
  expected: ArrayLike<number>,
): Promise<number> {
  return nmse(new Float32Array(await read(scope, record, y)), expected);
}

/** Runs kernels and returns what they wrote. */
export async function read(
  { gpu, pool }: KernelScope,
  record: (pass: GPUComputePassEncoder) => void,
  y: GPUBuffer,
): Promise<ArrayBuffer> {
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
    return await readback.read(y.size);
  } finally {
    readback.buffer.destroy();
  }
}
