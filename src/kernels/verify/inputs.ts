import { createReadback } from "../../gpu/readback.ts";
import type { KernelScope } from "../../gpu/kernel.ts";
import { batchWords } from "../batch.ts";
import { createMatrix, type Matrix } from "../matrix.ts";
import type { Codec } from "../quant/codec.ts";
import { createRepack } from "../quant/repack.ts";

/** Rows of the matrices. */
export const ROWS = 70;
/** Columns of the matrices. */
export const COLS = 256;
/** Rows of the batches. */
export const BATCH = 5;

/** Weights on the GPU, and what the reference makes of their bytes. */
export async function randomMatrix(
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

/** The batch of all rows, from position 0. */
export function batch({ pool }: KernelScope): GPUBuffer {
  return pool.uniform(batchWords({ rows: BATCH, position: 0, first: 0 }));
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

/** Runs kernels and returns the error of what they wrote. */
export async function compare(
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
