import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Codec } from "../kernels/quant/codec.ts";
import { Q8_0 } from "../kernels/quant/q8_0.ts";
import { gpuTest } from "../../tests/gpu.ts";
import { createSubmitTimer } from "./timer.ts";
import { type Measured, MeasureError, measureShape } from "./measure.ts";

const SHAPE = { inputs: 256, outputs: 70 };

async function measure(
  gpu: Parameters<typeof measureShape>[0],
  codec: Codec,
  columns: number[],
) {
  using timer = await createSubmitTimer(gpu);
  return await Array.fromAsync(measureShape(gpu, {
    codec,
    shape: SHAPE,
    columns,
    variants: "all",
    coldBytes: 5 * 256 * 70,
    timer,
    repetitions: 3,
    seconds: 0.001,
  }));
}

gpuTest(
  "measureShape() rotates through sets of weights and checks each product",
  async (gpu) => {
    const results = await measure(gpu, Q8_0, [1, 5]);
    assertEquals(results.some((result) => result instanceof Error), false);
    const measured = results as Measured[];
    assertEquals(
      new Set(measured.map(({ columns }) => columns)),
      new Set([1, 5]),
    );
    for (const { sets, gpuBytes, error, seconds, samples } of measured) {
      assertEquals(sets, Math.ceil(5 * 256 * 70 / gpuBytes));
      assertEquals(samples, 3);
      assert(seconds.median > 0 && error > 0 && error < 5e-4);
    }
  },
);

gpuTest(
  "measureShape() tells when a product is wrong, and goes on",
  async (gpu) => {
    // The reference and the kernels disagree about one weight in 256.
    const codec: Codec = {
      ...Q8_0,
      dequantize: (bytes) =>
        Q8_0.dequantize(bytes).map((w, i) => i % 256 === 3 ? w + 100 : w),
    };
    const results = await measure(gpu, codec, [1, 5]);
    assert(results.length >= 2);
    for (const result of results) {
      assert(result instanceof MeasureError);
      assertStringIncludes(result.message, "Q8_0 256x70, columns ");
      assertStringIncludes(result.message, "mean squared error is ");
    }
  },
);
