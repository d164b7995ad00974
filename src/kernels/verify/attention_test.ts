import { assert } from "@std/assert";
import { wrongDriver } from "../../../tests/devices.ts";
import { scopeTest } from "../../../tests/kernels.ts";
import type { Gpu } from "../../gpu/gpu.ts";
import { attentionTests } from "./attention.ts";
import { checkKernel } from "./variants.ts";

/** The names of the tests that fail, of attention that takes variants. */
async function failing(gpu: Gpu): Promise<string[]> {
  const names: string[] = [];
  for (
    const { name, run, limit } of attentionTests(gpu, { kvTypes: ["f16"] })
  ) {
    const { ok } = await checkKernel(gpu, name, { test: run, limit });
    if (!ok) names.push(name);
  }
  return names;
}

scopeTest("attentionTests() pass when the driver is right", async ({ gpu }) => {
  const names = await failing(gpu);
  assert(names.length === 0, names.join());
});

/** What a driver may make of attention: rarely met parts of it are lost. */
const MUTANTS: [what: string, test: string, [right: string, wrong: string]][] =
  [
    [
      "the sum of one part is not divided by",
      "attention_step.",
      ["value / state.sum", "value"],
    ],
    [
      "parts behind the second are dropped",
      "attention_step.",
      ["part < parts;", "part < min(parts, 2u);"],
    ],
    [
      "a part begins at the wrong key",
      "attention_step.",
      ["vec2u(first, first +", "vec2u(first + 1u, first +"],
    ],
    [
      "rows that run together are taken for the first",
      "attention_step.",
      ["let row = workgroup.z;", "let row = min(workgroup.z, 0u);"],
    ],
    [
      "the weights of a batch are not divided by",
      "attention.",
      ["value / state.sum", "value"],
    ],
  ];

for (const [what, test, replacement] of MUTANTS) {
  scopeTest(`attentionTests() find out that ${what}`, async () => {
    const gpu = await wrongDriver("attention", replacement, { others: true });
    try {
      const names = await failing(gpu);
      assert(names.some((name) => name.startsWith(test)), names.join());
    } finally {
      gpu.device.destroy();
    }
  });
}
