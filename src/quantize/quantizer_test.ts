import { assert, assertEquals, assertRejects } from "@std/assert";
import { gpuTest } from "../../tests/gpu.ts";
import { encodeWeights } from "../../tests/packing.ts";
import { type Gpu, requestGpu } from "../gpu/gpu.ts";
import { compileKernel } from "../gpu/kernel.ts";
import { PACKABLE, packingCode, SOURCES } from "../kernels/quantize/formats.ts";
import {
  extremeSamples,
  quantizeSamples,
} from "../kernels/quantize/samples.ts";
import type { QuantizeChunk } from "./chunk.ts";
import { GpuPackError } from "./gpu_format.ts";
import { race } from "./race.ts";
import { Quantizer, type QuantizerOptions } from "./quantizer.ts";
import { quantizeRows } from "./quantize_rows.ts";

/** Rows of 256 of many kinds, none of them too large for 16 bits. */
const ROWS = new Float32Array(
  [...quantizeSamples(21, 2), ...extremeSamples(22, 2)].flatMap(
    ({ weights }) => [...weights.map((x) => Math.max(-9e3, Math.min(9e3, x)))],
  ),
);

function chunkOf(
  to: string,
  rows: Float32Array = ROWS,
  from = "F32",
): QuantizeChunk {
  const bytes = encodeWeights(from, rows);
  const chunk = { name: "w", firstRow: 3, columns: 256, from, to, bytes };
  return { ...chunk, importance: undefined };
}

function quantizerOn(gpu: Gpu, options: Partial<QuantizerOptions> = {}) {
  return new Quantizer({
    device: "gpu",
    workers: 0,
    weights: Infinity,
    gpu,
    ...options,
  });
}

gpuTest(
  "Quantizer packs every format on the GPU to the CPU's bytes",
  async (gpu) => {
    using quantizer = quantizerOn(gpu);
    for (const to of PACKABLE) {
      const actual = await quantizer.run(chunkOf(to));
      assertEquals(actual, quantizeRows(to, ROWS, 256), to);
    }
    assertEquals(
      quantizer.uses.map(({ to, device, reason }) => [to, device, reason]),
      PACKABLE.map((to) => [to, "gpu", "it was asked for"]),
    );
    assert(quantizer.uses.every(({ redoneBlocks }) => redoneBlocks > 0));
  },
);

gpuTest("Quantizer packs with importance on the CPU", async (gpu) => {
  using quantizer = quantizerOn(gpu);
  const importance = new Float32Array(256).fill(1);
  const actual = await quantizer.run({ ...chunkOf("Q4_0"), importance });
  assertEquals(actual, quantizeRows("Q4_0", ROWS, 256, { importance }));
  const [use] = quantizer.uses;
  assertEquals([use!.device, use!.reason], ["cpu", "importance needs it"]);
});

for (const [what, value] of [["NaN", NaN], ["too large", 1e10]] as const) {
  gpuTest(
    `Quantizer refuses a weight that is ${what} as the CPU does`,
    async (gpu) => {
      using quantizer = quantizerOn(gpu);
      using cpu = quantizerOn(gpu, { device: "cpu" });
      for (const to of ["Q4_1", "Q6_K"]) {
        const rows = quantizeSamples(3, 40)[0]!.weights;
        await quantizer.run(chunkOf(to, rows));
        rows[256 * 17 + 5] = value;
        const refused = (by: Quantizer) =>
          assertRejects(() => by.run(chunkOf(to, rows)), RangeError);
        assertEquals(
          (await refused(quantizer)).message,
          (await refused(cpu)).message,
        );
      }
    },
  );
}

gpuTest(
  "Quantizer takes the CPU when the GPU packs other bytes",
  async (gpu) => {
    const wrong: Gpu = { ...gpu, pipelines: new Map() };
    const { code, constants } = packingCode(wrong, "Q4_0")!;
    await compileKernel(wrong, {
      label: "pack.f32.q4_0",
      code: [SOURCES.get("F32")!, ...code].map((text) =>
        text.replaceAll("+ 0.5", "+ 0.49")
      ),
      constants,
    });
    using quantizer = quantizerOn(wrong);
    assertEquals(
      await quantizer.run(chunkOf("Q4_0")),
      quantizeRows("Q4_0", ROWS, 256),
    );
    const [use] = quantizer.uses;
    assertEquals(use!.device, "cpu");
    assert(use!.reason.endsWith("does not pack it to the same bytes"));
  },
);

gpuTest("Quantizer goes on with the CPU when the device is lost", async () => {
  const gpu = await requestGpu();
  using quantizer = quantizerOn(gpu);
  const wanted = quantizeRows("Q4_K", ROWS, 256);
  assertEquals(await quantizer.run(chunkOf("Q4_K")), wanted);
  gpu.device.destroy();
  assertEquals(await quantizer.run(chunkOf("Q4_K")), wanted);
  assertEquals(await quantizer.run(chunkOf("Q4_K")), wanted);
  assertEquals(quantizer.uses[0]!.device, "cpu");
});

gpuTest("Quantizer measures both devices when it may choose", async (gpu) => {
  using quantizer = quantizerOn(gpu, { device: "auto" });
  const rows = quantizeSamples(3, 1024)[0]!.weights;
  const formats = { from: "BF16", to: "Q8_0", importance: undefined };
  const { weights } = quantizer.sizes(formats);
  const small = rows.subarray(0, 1024);
  await quantizer.run(chunkOf("Q8_0", small, "BF16"));
  assertEquals(quantizer.uses, []);
  const chunk = chunkOf("Q8_0", rows, "BF16");
  const expected = await quantizerOn(gpu, { device: "cpu" }).run(
    chunkOf("Q8_0", rows, "BF16"),
  );
  assertEquals(await quantizer.run(chunk), expected);
  const [use] = quantizer.uses;
  assertEquals(use!.redoneBlocks, 0);
  assert(use!.gpuRate! > 0 && use!.cpuRate! > 0);
  assertEquals(use!.device, use!.gpuRate! > use!.cpuRate! ? "gpu" : "cpu");
  const isLarger = quantizer.sizes(formats).weights > weights;
  assertEquals(isLarger, use!.device === "gpu");
});

gpuTest("Quantizer opens no GPU when there is little to do", async (gpu) => {
  using quantizer = quantizerOn(gpu, { device: "auto", weights: 2 ** 20 });
  const rows = quantizeSamples(3, 1024)[0]!.weights;
  await quantizer.run(chunkOf("Q8_0", rows));
  assertEquals([quantizer.uses, quantizer.adapter], [[], undefined]);
});

gpuTest("Quantizer stops when it is aborted", async (gpu) => {
  const controller = new AbortController();
  using quantizer = quantizerOn(gpu, { signal: controller.signal });
  await quantizer.run(chunkOf("Q8_0"));
  const work = quantizer.run(chunkOf("Q8_0"));
  controller.abort(new Error("enough"));
  await work.catch(() => {});
  await assertRejects(() => quantizer.run(chunkOf("Q8_0")), Error, "enough");
});

Deno.test("race() takes the CPU when the device fails", async () => {
  const run = () => Promise.reject(new GpuPackError(new Error("it is lost")));
  const choice = await race({ redone: 0, run }, chunkOf("Q8_0"), 2);
  assertEquals(choice, { format: undefined, reason: "it is lost" });
});
