import {
  assertEquals,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { download, gpuTest } from "../../tests/gpu.ts";
import {
  BufferPool,
  floatBits,
  formatBytes,
  GpuMemoryError,
} from "./buffers.ts";

/** A device that keeps account, and whose error scopes say what they are told. */
function fakeDevice(errors: Partial<Record<GPUErrorFilter, string>> = {}) {
  const scopes: GPUErrorFilter[] = [];
  const live = new Set<object>();
  const device = {
    limits: { maxBufferSize: 1 << 20, maxStorageBufferBindingSize: 1 << 16 },
    queue: { writeBuffer() {} },
    pushErrorScope: (filter: GPUErrorFilter) => void scopes.push(filter),
    popErrorScope() {
      const message = errors[scopes.pop()!];
      return Promise.resolve(message === undefined ? null : { message });
    },
    createBuffer() {
      const buffer = { destroy: () => void live.delete(buffer) };
      live.add(buffer);
      return buffer;
    },
  };
  return { device: device as unknown as GPUDevice, scopes, live };
}

gpuTest("BufferPool.create() rounds up to 16 bytes of zeros", async (gpu) => {
  using pool = new BufferPool(gpu.device);
  const sizes = [0, 1, 16, 17, 4097];
  const buffers = sizes.map((size) => pool.create({ label: "b", size }));
  await pool.check("the test");
  assertEquals(buffers.map(({ size }) => size), [16, 16, 16, 32, 4112]);
  assertEquals(buffers[0]!.label, "b");
  assertEquals(pool.bytes, 16 + 16 + 16 + 32 + 4112);
  assertEquals(await download(gpu, buffers[3]!), new Float32Array(8));
  const more = pool.create({ label: "c", size: 100, usage: 8 });
  await pool.check("more");
  assertEquals(more.usage, GPUBufferUsage.COPY_DST);
  assertEquals(pool.bytes, 4192 + 112);
});

gpuTest(
  "BufferPool.create() rejects a buffer when no binding holds it",
  async (gpu) => {
    const { device } = gpu;
    using pool = new BufferPool(device);
    const { maxBufferSize, maxStorageBufferBindingSize } = device.limits;
    const limit = Math.min(maxBufferSize, maxStorageBufferBindingSize);
    const error = assertThrows(
      () => pool.create({ label: "token_embd.weight", size: limit + 1 }),
      RangeError,
      "Cannot allocate token_embd.weight: it takes ",
    );
    assertEquals(error.message.includes(formatBytes(limit)), true);
    await pool.check("nothing");
    assertEquals(pool.bytes, 0);
  },
);

Deno.test("BufferPool.create() says both sizes when a buffer is too large", () => {
  using pool = new BufferPool(fakeDevice().device);
  assertThrows(
    () => pool.create({ label: "w", size: 100_000 }),
    RangeError,
    "Cannot allocate w: it takes 97.7 KiB, at most 64.0 KiB fit into one binding of this device",
  );
});

gpuTest(
  "BufferPool.uniform() returns the same buffer for the same words",
  async (gpu) => {
    using pool = new BufferPool(gpu.device);
    const words = [1, 0xffffffff, floatBits(1e-5), 4, 5];
    const params = pool.uniform(words);
    assertStrictEquals(pool.uniform([...words]), params);
    assertEquals(pool.uniform([1, 2]) === pool.uniform([12]), false);
    assertEquals(params.size, 32);
    await pool.check("the parameters");

    // A uniform buffer cannot be copied from: a kernel reads it.
    const module = gpu.device.createShaderModule({
      code: `@group(0) @binding(0) var<uniform> x: array<vec4u, 2>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4u>;
@compute @workgroup_size(1) fn main() { y[0] = x[0]; y[1] = x[1]; }`,
    });
    const pipeline = gpu.device.createComputePipeline({
      layout: "auto",
      compute: { module },
    });
    const y = pool.create({ label: "y", size: 32 });
    await pool.check("the output");
    const group = gpu.device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [params, y].map((buffer, binding) => ({
        binding,
        resource: { buffer },
      })),
    });
    const encoder = gpu.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(1);
    pass.end();
    gpu.device.queue.submit([encoder.finish()]);
    const actual = new Uint32Array((await download(gpu, y)).buffer);
    assertEquals([...actual], [...words, 0, 0, 0]);
  },
);

gpuTest("BufferPool frees its buffers when it is disposed", async (gpu) => {
  const { device } = gpu;
  const pool = new BufferPool(device);
  const buffer = pool.create({ label: "freed", size: 64 });
  await pool.check("the test");
  pool[Symbol.dispose]();
  assertEquals(pool.bytes, 0);
  device.pushErrorScope("validation");
  device.queue.writeBuffer(buffer, 0, new Uint8Array(16));
  const error = await device.popErrorScope();
  assertEquals(error?.message.includes("destroyed"), true, error?.message);
});

Deno.test("BufferPool.check() leaves nothing when the GPU has no room", async () => {
  const errors: Partial<Record<GPUErrorFilter, string>> = {};
  const { device, scopes, live } = fakeDevice(errors);
  const pool = new BufferPool(device);
  pool.create({ label: "a", size: 1024 });
  await pool.check("the weights");
  assertEquals(pool.bytes, 1024);

  errors["out-of-memory"] = "not enough memory left";
  errors["validation"] = "buffer b is invalid";
  pool.create({ label: "b", size: 2048 });
  pool.create({ label: "c", size: 2048 });
  const error = await assertRejects(
    () => pool.check("the KV cache"),
    GpuMemoryError,
    "Cannot allocate the KV cache: the GPU has no room for 4.00 KiB beside the 1.00 KiB in use",
  );
  assertEquals(error.name, "GpuMemoryError");
  assertEquals(error.requested, 4096);
  assertEquals([live.size, scopes.length, pool.bytes], [0, 0, 0]);
});

Deno.test("BufferPool.check() tells other errors when there are some", async () => {
  const { device, scopes, live } = fakeDevice({ validation: "usage is wrong" });
  const pool = new BufferPool(device);
  pool.create({ label: "a", size: 1024 });
  await assertRejects(
    () => pool.check("the weights"),
    Error,
    "Cannot allocate the weights: usage is wrong",
  );
  assertEquals([live.size, scopes.length, pool.bytes], [0, 0, 0]);
});

Deno.test("BufferPool.check() does nothing when nothing is new", async () => {
  const { device, scopes } = fakeDevice({ validation: "of somebody else" });
  using pool = new BufferPool(device);
  device.pushErrorScope("validation");
  await pool.check("nothing");
  assertEquals(scopes, ["validation"]);
});

Deno.test("BufferPool closes its error scopes when it is disposed unchecked", () => {
  const { device, scopes, live } = fakeDevice();
  const pool = new BufferPool(device);
  pool.create({ label: "a", size: 16 });
  pool.uniform([1]);
  assertEquals(scopes, ["validation", "out-of-memory"]);
  pool[Symbol.dispose]();
  pool[Symbol.dispose]();
  assertEquals([live.size, scopes.length], [0, 0]);
});

Deno.test("formatBytes() picks the unit", () => {
  const sizes = [0, 1023, 1024, 10 * 1024, 7.5 * 2 ** 30, 2 ** 50];
  assertEquals(sizes.map(formatBytes), [
    "0 bytes",
    "1023 bytes",
    "1.00 KiB",
    "10.0 KiB",
    "7.50 GiB",
    "1024.0 TiB",
  ]);
});

Deno.test("floatBits() gives the bits of an f32", () => {
  assertEquals([0, 1, -2].map(floatBits), [0, 0x3f800000, 0xc0000000]);
  assertEquals(floatBits(1e-5), 0x3727c5ac);
});
