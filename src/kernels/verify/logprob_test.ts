import { assertEquals, assertGreater } from "@std/assert";
import { wrongDriver } from "../../../tests/devices.ts";
import { scopeTest } from "../../../tests/kernels.ts";
import { testLogprob } from "./logprob.ts";
import { checkKernel } from "./variants.ts";

scopeTest("testLogprob() passes when the driver is right", async (scope) => {
  assertEquals(await testLogprob(scope), 0);
});

const MUTANTS: [string, [string, string]][] = [
  ["a load is lost", ["take(i + 7u * WORKGROUP_SIZE)", "LEAST"]],
  ["the loop ends early", ["8u * WORKGROUP_SIZE", "4096u * WORKGROUP_SIZE"]],
  ["sums do not shrink", [
    "select(1.0, exp(before - after)",
    "select(1.0, 1.0",
  ]],
  ["equals are all likelier", ["x == own && i < id", "x == own"]],
  ["rows are mixed up", ["job.x * params.stride", "0u"]],
  ["what has no rank is counted", ["i < params.size", "true"]],
  ["jobs are taken from the first on", [
    "jobs[range.first + index]",
    "jobs[index]",
  ]],
  ["half of the lanes are lost", ["half > 0u;", "half > 1u;"]],
];

for (const [what, replacement] of MUTANTS) {
  scopeTest(`testLogprob() finds out that ${what}`, async () => {
    const gpu = await wrongDriver("logprob", replacement);
    try {
      const { ok, error } = await checkKernel(gpu, "logprob", {
        test: testLogprob,
      });
      assertEquals(ok, false);
      // It may have made NaN, which is refused.
      if (!Number.isNaN(error)) assertGreater(error, 0);
    } finally {
      gpu.device.destroy();
    }
  });
}
