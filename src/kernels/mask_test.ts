import { assertEquals } from "@std/assert";
import { download, randomFloats, run, upload } from "../../tests/gpu.ts";
import { kernelTest } from "../../tests/kernels.ts";
import type { KernelScope } from "../gpu/kernel.ts";
import { controlWords } from "./control.ts";
import { createMask, maskOnCpu } from "./mask.ts";
import { createSampleBuffers, writeRule } from "./sample.ts";
import { ARGMAX_RULE } from "./sample_cpu.ts";

async function check(
  scope: KernelScope,
  { size, stride = size + 3, row = 0, share = 0.5 }: {
    size: number;
    stride?: number;
    row?: number;
    share?: number;
  },
): Promise<void> {
  const { gpu, pool } = scope;
  const shape = { size, stride, context: 4 };
  const own = createSampleBuffers(pool, shape);
  writeRule(gpu.device, own, { shape, rule: ARGMAX_RULE });
  const words = controlWords({
    ids: [1, 2],
    position: 9,
    headFirst: 0,
    headRows: 2,
  });
  words[4] = row; // as the choice of the rows before leaves it
  const values = randomFloats(2 * stride, size);
  const draws = randomFloats(size, 5);
  const allowed = new Uint32Array(Math.ceil(size / 32));
  for (let i = 0; i < size; i++) {
    if ((draws[i]! + 1) / 2 < share) allowed[i >> 5]! |= 1 << (i & 31);
  }
  const logits = upload(gpu, values);
  const mask = (await createMask(scope)).bind({
    logits,
    control: upload(gpu, words),
    params: own.params,
    allowed: upload(gpu, allowed),
  }, size);
  run(gpu, mask);
  const expected = values.slice();
  const first = row * stride;
  const masked = maskOnCpu(values.subarray(first, first + size), allowed);
  // WGSL promises nothing about infinity.
  expected.set(masked.map((logit) => Math.max(logit, -1e38)), first);
  const actual = await download(gpu, logits);
  assertEquals(actual.subarray(0, expected.length), expected);
}

for (const size of [1, 31, 32, 33, 63, 64, 65, 512, 32002]) {
  kernelTest(
    `mask forbids what the bits say when there are ${size} tokens`,
    (scope) => check(scope, { size }),
  );
}

kernelTest(
  "mask forbids in the row whose turn it is",
  (scope) => check(scope, { size: 100, row: 1 }),
);

kernelTest("mask forbids all, or none", async (scope) => {
  await check(scope, { size: 100, share: -1 });
  await check(scope, { size: 100, share: 2 });
});
