import { randomFloats, run, upload } from "../../tests/gpu.ts";
import {
  assertOutput,
  batchOf,
  kernelTest,
  padRows,
  poisonedOutput,
} from "../../tests/kernels.ts";
import { rmsNorm } from "./oracle.ts";
import type { KernelScope } from "../gpu/kernel.ts";
import { strideOf } from "./matrix.ts";
import { createRmsNorm } from "./rms_norm.ts";

const EPS = 1e-5;

interface Case {
  dim: number;
  rows: number;
  first?: number;
  x?: Float32Array;
}

async function check(scope: KernelScope, options: Case): Promise<void> {
  const { dim, rows, first = 0 } = options;
  const { gpu } = scope;
  const { x = randomFloats((first + rows) * dim, dim) } = options;
  const weight = randomFloats(dim, 7);
  const stride = strideOf(dim);
  const y = poisonedOutput(scope, rows * stride);
  const norm = await createRmsNorm(scope, { dim, eps: EPS });
  const step = norm.bind({
    x: upload(gpu, padRows(x, { cols: dim, stride })),
    weight: upload(gpu, padRows(weight, { cols: dim, stride })),
    y,
    batch: batchOf(scope, { rows, first }),
  });
  run(gpu, (pass) => step(pass, rows));

  const expected = rmsNorm(x.subarray(first * dim), weight, EPS);
  await assertOutput(scope, y, padRows(expected, { cols: dim, stride }));
}

for (const dim of [1, 31, 63, 64, 65, 172, 255, 256, 257, 5120]) {
  kernelTest(
    `rms_norm matches the reference when dim is ${dim}`,
    (scope) => check(scope, { dim, rows: 3 }),
  );
}

for (const rows of [1, 31, 32, 33]) {
  kernelTest(
    `rms_norm matches the reference when the batch is ${rows}`,
    (scope) => check(scope, { dim: 48, rows }),
  );
}

kernelTest(
  "rms_norm reads from row `first` of the batch",
  (scope) => check(scope, { dim: 64, rows: 2, first: 5 }),
);

kernelTest("rms_norm keeps to eps when a row is tiny", (scope) => {
  const x = randomFloats(2 * 64).map((v) => v * 1e-4);
  return check(scope, { dim: 64, rows: 2, x });
});

kernelTest("rms_norm is finite when a row is zero", (scope) => {
  const x = randomFloats(2 * 64).fill(0, 0, 64);
  return check(scope, { dim: 64, rows: 2, x });
});
