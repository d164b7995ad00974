import { type Gpu, requestGpu } from "../src/gpu/gpu.ts";
import { nmse } from "../src/kernels/nmse.ts";

export { nmse };

/** The device shared by the tests of one file, or `null` without an adapter. */
export const gpu: Gpu | null = await navigator.gpu.requestAdapter() === null
  ? null
  : await requestGpu();

/** The same device with the kernels that need no subgroups, or `null`. */
export const gpuWithoutSubgroups: Gpu | null = gpu === null
  ? null
  : { ...gpu, subgroupSize: 0, pipelines: new Map() };

/** Registers a test that needs a GPU and runs inside an error scope. */
export function gpuTest(
  name: string,
  fn: (gpu: Gpu) => Promise<void>,
  on: Gpu | null = gpu,
): void {
  Deno.test({
    name,
    // tests/gpu_gate_test.ts fails where these are left out.
    ignore: on === null,
    fn: async () => {
      const { device } = on!;
      device.pushErrorScope("validation");
      let error: GPUError | null = null;
      try {
        await fn(on!);
      } finally {
        error = await device.popErrorScope();
      }
      if (error !== null) throw new Error(error.message);
    },
  });
}

/** Registers a test with subgroups, where the device has them, and without. */
export function gpuVariantTest(
  name: string,
  fn: (gpu: Gpu) => Promise<void>,
): void {
  if (gpu !== null && gpu.subgroupSize > 0) {
    gpuTest(`${name} (subgroups of ${gpu.subgroupSize})`, fn);
  }
  gpuTest(`${name} (no subgroups)`, fn, gpuWithoutSubgroups);
}

/** Uploads `data` to a new storage buffer. */
export function upload(
  { device }: Gpu,
  data: ArrayBufferView<ArrayBuffer>,
): GPUBuffer {
  const buffer = device.createBuffer({
    size: Math.ceil(Math.max(16, data.byteLength) / 16) * 16,
    usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST |
      GPUBufferUsage.COPY_SRC,
  });
  const bytes = new Uint8Array(Math.ceil(data.byteLength / 4) * 4);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  device.queue.writeBuffer(buffer, 0, bytes);
  return buffer;
}

/** Creates a storage buffer of `length` floats that are all NaN. */
export function poisoned(gpu: Gpu, length: number): GPUBuffer {
  return upload(gpu, new Float32Array(length).fill(NaN));
}

/** Reads the floats of `buffer` back. */
export async function download(
  { device }: Gpu,
  buffer: GPUBuffer,
  length = buffer.size / 4,
): Promise<Float32Array<ArrayBuffer>> {
  const staging = device.createBuffer({
    size: buffer.size,
    usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
  });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const bytes = staging.getMappedRange().slice(0);
  staging.destroy();
  return new Float32Array(bytes, 0, length);
}

/** Records bound kernels into one pass and submits it. */
export function run(
  { device }: Gpu,
  ...kernels: ((pass: GPUComputePassEncoder) => void)[]
): void {
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  for (const kernel of kernels) kernel(pass);
  pass.end();
  device.queue.submit([encoder.finish()]);
}

/** Seeded floats, roughly normal: the sum of four uniforms. */
export function randomFloats(
  length: number,
  seed = 1,
): Float32Array<ArrayBuffer> {
  let state = seed >>> 0 || 1;
  const uniform = () => {
    // xorshift32
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32 - 0.5;
  };
  return Float32Array.from(
    { length },
    () => uniform() + uniform() + uniform() + uniform(),
  );
}

/** Asserts that the error is at most `limit`, which NaN is not. */
export function assertNmse(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  limit: number,
): void {
  if (actual.length !== expected.length) {
    throw new RangeError(
      `Cannot compare arrays: lengths are ${actual.length} and ${expected.length}`,
    );
  }
  const error = nmse(actual, expected);
  if (!(error <= limit)) {
    throw new Error(`NMSE is ${error}, at most ${limit} is wanted`);
  }
}
