import { assert, assertEquals, assertRejects } from "@std/assert";
import { watchDevices } from "../../tests/devices.ts";
import {
  benchmarkKernels,
  type KernelBenchmarkOptions,
} from "./kernel_benchmark.ts";

const TINY: KernelBenchmarkOptions = {
  formats: ["Q8_0", "F16"],
  shapes: [{ inputs: 256, outputs: 70 }],
  columns: [1, 5],
  repetitions: 3,
  seconds: 0.001,
  coldBytes: 2 ** 16,
  small: true,
};

Deno.test("benchmarkKernels() measures every case and what it means", async () => {
  const timings = await Array.fromAsync(benchmarkKernels(TINY));
  const cases = new Set(timings.map((t) => `${t.format} ${t.columns}`));
  assertEquals([...cases], ["Q8_0 1", "Q8_0 5", "F16 1", "F16 5"]);
  for (const timing of timings) {
    const { format, columns, activations, seconds, ceilings } = timing;
    assertEquals([timing.inputs, timing.outputs], [256, 70]);
    const bits = format === "F16" ? 16 : 8.5;
    assertEquals(timing.fileBytes, 256 * 70 * bits / 8);
    assert(timing.gpuBytes >= timing.fileBytes);
    const { median, lowerQuartile, upperQuartile } = seconds;
    assert(0 < lowerQuartile && lowerQuartile <= median);
    assert(median <= upperQuartile);
    const flops = 2 * 256 * 70 * columns;
    assertEquals(timing.flopsPerSecond, flops / median);
    assertEquals(timing.fileBytesPerSecond, timing.fileBytes / median);
    assertEquals(timing.gpuBytesPerSecond, timing.gpuBytes / median);
    assertEquals(
      timing.streamFraction,
      timing.fileBytesPerSecond / ceilings.streamBytesPerSecond,
    );
    assertEquals(
      timing.arithmeticFraction,
      timing.flopsPerSecond /
        (activations === "int8"
          ? ceilings.dotFlopsPerSecond
          : ceilings.fmaFlopsPerSecond),
    );
    assertEquals(
      timing.flopsPerByte,
      flops / (timing.fileBytes + 4 * columns * (256 + 70)),
    );
    assert(timing.error < (activations === "int8" ? 5e-4 : 1e-7));
    assert(timing.variant !== "" && timing.device !== "");
  }
});

Deno.test("benchmarkKernels() frees its device when it ends, is left, or fails", async () => {
  const ended = await watchDevices(async () => {
    for await (const _ of benchmarkKernels({ ...TINY, formats: ["F16"] }));
  });
  assertEquals(ended, [true]);
  const left = await watchDevices(async () => {
    for await (const _ of benchmarkKernels(TINY)) break;
  });
  assertEquals(left, [true]);
  const controller = new AbortController();
  const reason = new Error("enough");
  const aborted = await watchDevices(async () => {
    const timings = benchmarkKernels({ ...TINY, signal: controller.signal });
    await timings.next();
    controller.abort(reason);
    await assertRejects(() => timings.next(), Error, "enough");
  });
  assertEquals(aborted, [true]);
});

Deno.test("benchmarkKernels() refuses options without asking for a device", async () => {
  const wrong: [KernelBenchmarkOptions, string][] = [
    [{ formats: ["Q9"] }, 'Cannot benchmark "Q9": there is no such format'],
    [{ repetitions: 0 }, "Cannot benchmark: repetitions is 0, "],
    [{ seconds: 0 }, "Cannot benchmark: seconds is 0, "],
    [{ seconds: NaN }, "Cannot benchmark: seconds is NaN, "],
    [{ coldBytes: Infinity }, "Cannot benchmark: coldBytes is Infinity, "],
  ];
  const devices = await watchDevices(async () => {
    for (const [options, message] of wrong) {
      await assertRejects(
        () => benchmarkKernels(options).next(),
        RangeError,
        message,
      );
    }
    const signal = AbortSignal.abort(new Error("enough"));
    await assertRejects(
      () => benchmarkKernels({ signal }).next(),
      Error,
      "enough",
    );
  });
  assertEquals(devices, []);
});
