import {
  assertEquals,
  assertGreaterOrEqual,
  assertInstanceOf,
  assertLessOrEqual,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { download, gpuTest, run, upload } from "../../tests/gpu.ts";
import type { Gpu } from "./gpu.ts";
import {
  bindBuffers,
  compileKernel,
  grid,
  KernelCompileError,
  workgroupSize,
} from "./kernel.ts";

const HEAD =
  "override STEP: u32 = 1u;\n@group(0) @binding(1) var<storage, read_write> y: array<u32>;";
const MAIN =
  "@compute @workgroup_size(1)\nfn main() {\n  y[0] = y[0] + STEP;\n}";

gpuTest(
  "compileKernel() points at the line when the code is broken",
  async (gpu) => {
    const broken = MAIN.replace("STEP", "1.5f");
    const error = await assertRejects(
      () => compileKernel(gpu, { label: "broken", code: [HEAD, broken] }),
      KernelCompileError,
      'Cannot compile kernel "broken": broken:5: ',
    );
    assertInstanceOf(error, Error);
    assertEquals(error.messages.length, 1);
    assertStringIncludes(error.messages[0]!, "broken:5: ");
  },
);

gpuTest(
  "compileKernel() rejects when there is no such constant",
  async (gpu) => {
    const constants = { STRIDE: 2 };
    await assertRejects(
      () =>
        compileKernel(gpu, { label: "extra", code: [HEAD, MAIN], constants }),
      KernelCompileError,
      'Cannot compile kernel "extra": ',
    );
  },
);

gpuTest(
  "compileKernel() leaves the error scopes as they were when it fails",
  async (gpu) => {
    const { device } = gpu;
    device.pushErrorScope("validation");
    await assertRejects(
      () => compileKernel(gpu, { label: "empty", code: ["nonsense"] }),
      KernelCompileError,
    );
    assertEquals(await device.popErrorScope(), null);
  },
);

gpuTest("compileKernel() compiles a variant once", async (gpu) => {
  const fresh: Gpu = { ...gpu, pipelines: new Map() };
  const variant = (STEP: number) =>
    compileKernel(fresh, {
      label: "step",
      code: [HEAD, MAIN],
      constants: { STEP },
    });
  const [two, same, three] = [variant(2), variant(2), variant(3)];
  assertStrictEquals(same, two);
  assertEquals(fresh.pipelines.size, 2);

  const y = upload(gpu, Uint32Array.of(10));
  for (const pipeline of [await two, await three]) {
    const group = bindBuffers(gpu.device, pipeline, [undefined, y]);
    run(gpu, (pass) => {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(1);
    });
  }
  const bits = new Uint32Array((await download(gpu, y)).buffer);
  assertEquals(bits[0], 15);
});

gpuTest("bindBuffers() binds a range when it is given one", async (gpu) => {
  const pipeline = await compileKernel(gpu, {
    label: "range",
    code: [HEAD, MAIN],
  });
  const y = upload(gpu, new Uint32Array(128));
  const range = { buffer: y, offset: 256, size: 16 };
  const group = bindBuffers(gpu.device, pipeline, [undefined, range]);
  run(gpu, (pass) => {
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(1);
  });
  const words = new Uint32Array((await download(gpu, y)).buffer);
  assertEquals(words.indexOf(1), 64);
});

Deno.test("grid() uses one dimension when the workgroups fit", () => {
  assertEquals(grid(1, 65535), [1, 1]);
  assertEquals(grid(65535, 65535), [65535, 1]);
});

Deno.test("grid() covers all workgroups when they need two dimensions", () => {
  for (const limit of [3, 31, 65535]) {
    const most = limit * limit;
    for (const count of [limit + 1, limit + 2, 2 * limit, most - 1, most]) {
      const [x, y] = grid(count, limit);
      assertLessOrEqual(x, limit);
      assertLessOrEqual(y, limit);
      assertGreaterOrEqual(x * y, count);
      // Less than one row of workgroups has nothing to do.
      assertLessOrEqual(x * y - count, y);
    }
  }
});

Deno.test("grid() rejects workgroups when two dimensions are too few", () => {
  assertThrows(
    () => grid(65535 ** 2 + 1, 65535),
    RangeError,
    "Cannot dispatch 4294836226 workgroups: at most 4294836225 fit",
  );
});

const adapters = [
  { isFallbackAdapter: false, subgroupMinSize: 32, size: 64 },
  { isFallbackAdapter: true, subgroupMinSize: 8, size: 8 },
  { isFallbackAdapter: true, subgroupMinSize: 4, size: 4 },
  { isFallbackAdapter: true, subgroupMinSize: 1, size: 4 },
  { isFallbackAdapter: true, size: 4 },
  { size: 64 },
];
for (const { size, ...info } of adapters) {
  Deno.test(`workgroupSize() is ${size} when the adapter is ${JSON.stringify(info)}`, () => {
    assertEquals(workgroupSize({ info } as unknown as Gpu), size);
  });
}
