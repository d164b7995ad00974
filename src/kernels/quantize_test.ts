import { assert, assertEquals } from "@std/assert";
import { download, randomFloats } from "../../tests/gpu.ts";
import { productInput } from "../../tests/int8.ts";
import { kernelTest, narrowTest, padRows } from "../../tests/kernels.ts";
import type { KernelScope } from "../gpu/kernel.ts";
import { strideOf } from "./matrix.ts";
import { roundToInt8 } from "./oracle.ts";

/** Rounds to int8 and reads quants and scales back. */
async function quantize(scope: KernelScope, x: Float32Array, cols: number) {
  const input = await productInput(scope, x, { cols, int8: true });
  const quants = new Int8Array((await download(scope.gpu, input.x)).buffer);
  return { quants, scales: await download(scope.gpu, input.xScales!) };
}

async function check(scope: KernelScope, batch: number, cols: number) {
  const x = randomFloats(batch * cols, 3);
  x.fill(0, 0, Math.min(32, cols)); // a block of zeros has no scale
  const stride = strideOf(cols);
  const padded = padRows(x, { cols, stride });
  const { quants, scales } = await quantize(scope, x, cols);
  const expected = roundToInt8(padded, { cols: stride });
  for (let i = 0; i < expected.length; i++) {
    const [scale = NaN, low = NaN, high = NaN] = scales.subarray(
      Math.floor(i / 32) * 4,
    );
    // One of two neighbours where the quotient is rounded before the number.
    const near = Math.abs(quants[i]! * scale - padded[i]!) <= scale * 0.5001;
    assert(near, `x[${i}] is ${padded[i]}, ${quants[i]} * ${scale} was given`);
    assert(Math.abs(quants[i]! * scale - expected[i]!) <= scale * 1.0001);
    if (i % 16 > 0) continue;
    const sum = quants.subarray(i, i + 16).reduce((a, b) => a + b, 0);
    const given = i % 32 === 0 ? low : high;
    assert(Math.abs(given - sum * scale) <= 1e-5 * Math.abs(sum * scale));
  }
}

for (const [batch, cols] of [[1, 1], [1, 32], [3, 33], [7, 172], [2, 5120]]) {
  kernelTest(
    `quantize rounds to the nearest when x is ${batch} x ${cols}`,
    (scope) => check(scope, batch!, cols!),
  );
}

narrowTest("quantize rounds to the nearest", (scope) => check(scope, 41, 1600));

for (const odd of [NaN, Infinity, -Infinity]) {
  kernelTest(`quantize does not hide ${odd}`, async (scope) => {
    const x = new Float32Array(96).fill(1);
    x[45] = odd;
    const { scales } = await quantize(scope, x, 96);
    const [first = NaN, second = NaN, third = NaN] = [0, 4, 8].map((i) =>
      scales[i]
    );
    assertEquals([first, third], [1, 1].map((v) => Math.fround(v / 127)));
    assert(!Number.isFinite(second), `the scale is ${second}`);
  });
}

kernelTest("quantize keeps the largest of a block at 127", async (scope) => {
  const x = new Float32Array(64);
  x[5] = -1e-29;
  x[40] = 1e30;
  x[41] = -5e29;
  const { quants } = await quantize(scope, x, 64);
  assertEquals([quants[5], quants[40], quants[41]], [-127, 127, -64]);
});
