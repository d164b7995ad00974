import { assert } from "@std/assert";
import { download, randomFloats, run, upload } from "../../tests/gpu.ts";
import {
  assertOutput,
  batchOf,
  kernelTest,
  padRows,
  poisonedOutput,
  scopeTest,
  software,
} from "../../tests/kernels.ts";
import { swiglu } from "./oracle.ts";
import { type KernelScope, workgroupSize } from "../gpu/kernel.ts";
import { createSwiglu } from "./swiglu.ts";

async function check(
  scope: KernelScope,
  { dim, rows, gap = 0 }: { dim: number; rows: number; gap?: number },
): Promise<void> {
  const { gpu } = scope;
  const gate = randomFloats(rows * dim, 1).map((v) => 8 * v);
  const up = randomFloats(rows * dim, 2);
  const xStride = 2 * dim + gap;
  const yStride = dim + gap;
  const x = padRows(gate, { cols: dim, stride: xStride, fill: NaN });
  for (const [i, value] of up.entries()) {
    x[Math.floor(i / dim) * xStride + dim + i % dim] = value;
  }
  const y = poisonedOutput(scope, rows * yStride);
  const kernel = await createSwiglu(scope, { dim, xStride, yStride });
  const batch = batchOf(scope, { rows });
  const step = kernel.bind({ x: upload(gpu, x), y, batch });
  run(gpu, (pass) => step(pass, rows));

  const expected = swiglu(gate, up);
  await assertOutput(
    scope,
    y,
    padRows(expected, { cols: dim, stride: yStride, fill: NaN }),
  );
}

for (const dim of [1, 3, 4, 5, 7, 8, 9, 63, 64, 65, 172, 256]) {
  kernelTest(
    `swiglu matches the reference when dim is ${dim}`,
    (scope) => check(scope, { dim, rows: 3, gap: 5 }),
  );
}

for (const rows of [1, 31, 32, 33]) {
  kernelTest(
    `swiglu matches the reference when the batch is ${rows}`,
    (scope) => check(scope, { dim: 48, rows }),
  );
}

kernelTest("swiglu is finite when the gate is far from zero", async (scope) => {
  const { gpu } = scope;
  const gate = [-1e4, -200, -90, -88, -80, 80, 90, 1e4];
  const x = upload(gpu, Float32Array.from([...gate, ...gate.map(() => 2)]));
  const y = poisonedOutput(scope, 8);
  const shape = { dim: 8, xStride: 16, yStride: 8 };
  const kernel = await createSwiglu(scope, shape);
  const step = kernel.bind({ x, y, batch: batchOf(scope, { rows: 1 }) });
  run(gpu, (pass) => step(pass, 1));
  const actual = await download(gpu, y, 8);
  for (const [i, value] of actual.entries()) {
    const expected = Math.max(0, gate[i]!) * 2;
    assert(
      Math.abs(value - expected) <= 1e-6 * expected + 1e-30,
      `silu(${gate[i]}) * 2 is ${value}`,
    );
  }
});

scopeTest(
  "swiglu matches the reference when its workgroups fill two dimensions",
  (scope) => {
    const limit = scope.gpu.device.limits.maxComputeWorkgroupsPerDimension;
    const dim = 1 + Math.ceil(limit * workgroupSize(scope.gpu) / 2);
    return check(scope, { dim, rows: 2 });
  },
  software,
);
