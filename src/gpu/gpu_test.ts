import { assert, assertEquals, assertRejects } from "@std/assert";
import { download, gpuTest, run, upload } from "../../tests/gpu.ts";
import { ADAPTER_HINT, limitsOf, requestGpu } from "./gpu.ts";
import { bindBuffers, compileKernel } from "./kernel.ts";

gpuTest("requestGpu() gives the adapter's limits", async () => {
  const { device } = await requestGpu();
  const adapter = await navigator.gpu.requestAdapter({
    powerPreference: "high-performance",
  });
  assertEquals(limitsOf(device), limitsOf(adapter!));
  assert(limitsOf(device).maxStorageBufferBindingSize! >= 2 ** 27);
  device.destroy();
});

gpuTest("requestGpu() knows the subgroup size that kernels see", async () => {
  const gpu = await requestGpu();
  const { device, info, subgroupSize } = gpu;
  const fixed = info.subgroupMinSize === info.subgroupMaxSize;
  assertEquals(subgroupSize > 0, fixed && device.features.has("subgroups"));
  if (subgroupSize > 0) {
    const pipeline = await compileKernel(gpu, {
      label: "subgroup_size",
      code: [
        gpu.subgroupPrelude,
        "@group(0) @binding(0) var<storage, read_write> y: array<f32>;",
        "@compute @workgroup_size(64)",
        "fn main(@builtin(subgroup_size) size: u32) { y[0] = f32(size); }",
      ],
    });
    const y = upload(gpu, new Float32Array(4));
    const group = bindBuffers(device, pipeline, [y]);
    run(gpu, (pass) => {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(1);
    });
    assertEquals((await download(gpu, y))[0], subgroupSize);
  }
  device.destroy();
});

gpuTest("requestGpu() uses no subgroups when it is told not to", async () => {
  const gpu = await requestGpu({ subgroups: false });
  assertEquals(gpu.subgroupSize, 0);
  assertEquals(gpu.subgroupPrelude, "");
  assertEquals(gpu.pipelines.size, 0);
  gpu.device.destroy();
});

/** Runs `fn` where `navigator` is this. */
async function withNavigator(
  value: unknown,
  fn: () => Promise<unknown>,
): Promise<void> {
  const before = Object.getOwnPropertyDescriptor(globalThis, "navigator")!;
  Object.defineProperty(globalThis, "navigator", { value, configurable: true });
  try {
    await fn();
  } finally {
    Object.defineProperty(globalThis, "navigator", before);
  }
}

Deno.test("requestGpu() rejects when there is no WebGPU", () =>
  withNavigator({}, () =>
    assertRejects(
      () => requestGpu(),
      Error,
      "Cannot find WebGPU: navigator.gpu is undefined, Deno 2.9 or later is wanted",
    )));

Deno.test("requestGpu() says how to get an adapter when there is none", () =>
  withNavigator(
    { gpu: { requestAdapter: () => Promise.resolve(null) } },
    () =>
      assertRejects(
        () => requestGpu(),
        Error,
        `Cannot find a WebGPU adapter: this machine offers none; ${ADAPTER_HINT}`,
      ),
  ));

Deno.test("requestGpu() names the adapter when it gives no device", async () => {
  const asked: GPUDeviceDescriptor[] = [];
  const adapter = {
    info: { description: "Broken GPU" },
    limits: { maxBufferSize: 5 },
    requestDevice(descriptor: GPUDeviceDescriptor) {
      asked.push(descriptor);
      return Promise.reject(new TypeError("it is on fire"));
    },
  };
  const gpu = { requestAdapter: () => Promise.resolve(adapter) };
  await withNavigator({ gpu }, () =>
    assertRejects(
      () => requestGpu(),
      Error,
      'Cannot open WebGPU adapter "Broken GPU": it is on fire',
    ));
  // With all features, with fewer, then without any.
  assertEquals(
    asked.map(({ requiredFeatures }) => [...requiredFeatures!]),
    [["subgroups", "timestamp-query"], ["subgroups"], []],
  );
  assertEquals(asked[2], {
    label: "seraph",
    requiredFeatures: [],
    requiredLimits: { maxBufferSize: 5 },
  });
});
