import { assertEquals, assertGreater, assertRejects } from "@std/assert";
import { download, gpuTest, upload } from "../../tests/gpu.ts";
import { bindBuffers, compileKernel } from "./kernel.ts";
import { timeDispatches } from "./profile.ts";

gpuTest(
  "timeDispatches() runs every dispatch once, in order",
  async (gpu) => {
    const y = upload(gpu, new Uint32Array(4));
    const create = (label: string, statement: string) =>
      compileKernel(gpu, {
        label,
        code: [
          "@group(0) @binding(0) var<storage, read_write> y: array<u32>;",
          `@compute @workgroup_size(1) fn main() { ${statement} }`,
        ],
      });
    const double = await create("profile_test.double", "y[0] *= 2u;");
    const add = await create("profile_test.add", "y[0] += 1u;");
    // More than one set of queries holds.
    const count = 2050;
    const timed = await timeDispatches(gpu, (pass, mark) => {
      pass.setPipeline(add);
      pass.setBindGroup(0, bindBuffers(gpu.device, add, [y]));
      for (let i = 0; i < count; i++) pass.dispatchWorkgroups(1);
      mark("last");
      pass.setPipeline(double);
      pass.setBindGroup(0, bindBuffers(gpu.device, double, [y]));
      pass.dispatchWorkgroups(1);
    });
    const words = new Uint32Array((await download(gpu, y)).buffer);
    assertEquals(words[0], 2 * count);
    assertEquals(timed.length, count + 1);
    const { kernel, stage } = timed.at(-1)!;
    assertEquals([kernel, stage], ["profile_test.double", "last"]);
    assertEquals([timed[0]!.kernel, timed[0]!.stage], [
      "profile_test.add",
      "",
    ]);
    const sum = timed.reduce((sum, { seconds }) => sum + seconds, 0);
    assertGreater(sum, 0);
    for (const { seconds } of timed) assertEquals(seconds >= 0, true);
    y.destroy();
  },
);

gpuTest(
  "timeDispatches() refuses a dispatch without a pipeline",
  async (gpu) => {
    await assertRejects(
      () => timeDispatches(gpu, (pass) => pass.dispatchWorkgroups(1)),
      TypeError,
      "Cannot profile: a dispatch has no pipeline",
    );
  },
);
