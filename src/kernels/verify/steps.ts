import type { KernelScope } from "../../gpu/kernel.ts";
import { createReadback } from "../../gpu/readback.ts";
import {
  createMatvec,
  createMatvecSwiglu,
  type Matvec,
  type MatvecInput,
} from "../matvec.ts";
import type { Matrix } from "../matrix.ts";
import type { Codec } from "../quant/codec.ts";
import { batch, randomFloats, randomMatrix, upload } from "./inputs.ts";
import {
  matvecShape,
  type MatvecTest,
  OFFSET,
  vectorInput,
} from "./products.ts";

/** Options for {@linkcode testSteps}. */
export interface StepsTest extends MatvecTest {
  /** Most rows of the input. */
  steps: number;
  /** Whether it is gate and up, with their activation. Defaults to `false`. */
  gated?: boolean;
}

/**
 * A matrix-vector product of 2 to `steps` rows, each of which must come out as it
 * does alone, to the bit. Returns 0, or what differs.
 */
export async function testSteps(
  scope: KernelScope,
  codec: Codec,
  options: StepsTest,
): Promise<number> {
  const { steps, int8, normed = false, gated = false } = options;
  const { rows, cols } = matvecShape(codec, options.variant);
  const { matrix } = await randomMatrix(scope, codec, {
    rows: gated ? 2 * rows : rows,
    cols,
  });
  const x = randomFloats(steps * cols, 5);
  const input = (x: Float32Array<ArrayBuffer>) =>
    vectorInput(scope, { cols, int8, normed, x });
  const { buffers, norm } = await input(x);
  const yStride = OFFSET + rows;
  const kernel = await create(scope, matrix, { ...options, norm, yStride });

  const initial = new Float32Array(steps * yStride)
    .fill(options.accumulate ? 1 : NaN);
  const output = (rows: number) =>
    upload(scope, initial.subarray(0, rows * yStride));
  const alone: Run[] = [];
  for (let m = 0; m < steps; m++) {
    const row = await input(x.subarray(m * cols, (m + 1) * cols));
    const y = output(1);
    const bound = kernel.bind({ ...row.buffers, y, batch: batch(scope, 1) });
    alone.push({ y, record: (pass) => bound(pass, 1) });
  }
  const together: Run[] = [];
  for (let count = 2; count <= steps; count++) {
    const y = output(steps);
    const bound = kernel.bind({ ...buffers, y, batch: batch(scope, count) });
    together.push({ y, record: (pass) => bound(pass, count) });
  }

  const results = await runAll(scope, [...alone, ...together]);
  const wanted = results.slice(0, steps)
    .map((result) => result.subarray(0, yStride));
  let largest = 0;
  for (const [i, actual] of results.slice(steps).entries()) {
    const expected = initial.slice();
    for (let m = 0; m < i + 2; m++) expected.set(wanted[m]!, m * yStride);
    const error = difference(actual, expected);
    if (!(error <= largest)) largest = error; // NaN is the largest of all
    if (Number.isNaN(error)) break;
  }
  return largest;
}

function create(
  scope: KernelScope,
  w: Matrix,
  { gated = false, accumulate = false, yStride, ...options }:
    & Omit<StepsTest, "normed">
    & MatvecInput
    & { yStride: number },
): Promise<Matvec> {
  if (gated) return createMatvecSwiglu(scope, w, { ...options, yStride });
  const output = { accumulate, offset: accumulate ? OFFSET : 0, yStride };
  return createMatvec(scope, w, { ...options, ...output });
}

/** A kernel that is bound to an output of its own. */
interface Run {
  y: GPUBuffer;
  record: (pass: GPUComputePassEncoder) => void;
}

/** Runs kernels in one pass, and returns their outputs. */
async function runAll(
  { gpu: { device, syncReadback: sync }, pool }: KernelScope,
  runs: readonly Run[],
): Promise<Float32Array[]> {
  await pool.check("the self-test");
  const size = runs.reduce((sum, { y }) => sum + y.size, 0);
  const readback = createReadback(device, { size, sync });
  try {
    const encoder = device.createCommandEncoder({ label: "self-test" });
    const pass = encoder.beginComputePass();
    for (const { record } of runs) record(pass);
    pass.end();
    let offset = 0;
    for (const { y } of runs) {
      encoder.copyBufferToBuffer(y, 0, readback.buffer, offset, y.size);
      offset += y.size;
    }
    device.queue.submit([encoder.finish()]);
    const bytes = await readback.read(size);
    offset = 0;
    return runs.map(({ y }) => {
      const floats = new Float32Array(bytes, offset, y.size / 4);
      offset += y.size;
      return floats;
    });
  } finally {
    readback.buffer.destroy();
  }
}

/** 0 where all bits are the same, or the normalised mean squared difference. */
function difference(actual: Float32Array, expected: Float32Array): number {
  const [a, b] = [actual, expected].map(({ buffer, byteOffset, length }) =>
    new Uint32Array(buffer, byteOffset, length)
  );
  if (b!.every((word, i) => word === a![i])) return 0;
  let error = 0;
  let power = 0;
  for (const [i, value] of expected.entries()) {
    const written = !Number.isNaN(value);
    if (written) power += value ** 2;
    // What was not to be written is NaN, or the 1 that it was before.
    if (written || !Number.isNaN(actual[i])) {
      error += (actual[i]! - (written ? value : 0)) ** 2;
    }
  }
  return Math.max(error / power, Number.MIN_VALUE);
}
