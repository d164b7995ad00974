import { assertEquals, assertMatch } from "@std/assert";
import type { KernelTiming } from "../mod.ts";
import { TIMING } from "../tests/kernel_timing.ts";
import {
  kernelMarkdownHead,
  kernelMarkdownLine,
  kernelTableHead,
  kernelTableLine,
  significant,
  toKernelRow,
} from "./kernel_rows.ts";

Deno.test("kernelTableLine() stays aligned within 80 characters", () => {
  const head = kernelTableHead(TIMING).split("\n");
  const small: KernelTiming = {
    ...TIMING,
    format: "F32",
    inputs: 64,
    outputs: 3,
    columns: 1,
    activations: "f32",
    seconds: { median: 0.5, lowerQuartile: 0.25, upperQuartile: 1 },
    fileBytesPerSecond: 1e6,
  };
  const lines = [
    ...head.slice(-1),
    kernelTableLine(TIMING),
    kernelTableLine(small),
  ];
  assertEquals(lines, [
    "format  shape       cols act       us  ±%  GB/s GFLOP/s mem% alu% kernel",
    "IQ2_XXS 13824x5120   512 int8    1250 4.0  14.6    58.0  0.5   56 4r.4u.256w.sg",
    "F32     64x3           1 f32   500000  75 0.001    58.0  0.5   56 4r.4u.256w.sg",
  ]);
  for (const line of [...head, ...lines]) {
    assertEquals(line.length <= 80, true, line);
  }
});

Deno.test("kernelTableHead() says how time was taken and what the ceilings are", () => {
  assertMatch(kernelTableHead(TIMING), /^Some GPU\nceilings: reads 3000 GB\/s/);
  assertMatch(kernelTableHead(TIMING), /the GPU's timestamps/);
  const submits: KernelTiming = { ...TIMING, timing: "submits" };
  assertMatch(kernelTableHead(submits), /the wall clock, submit and read-back/);
});

Deno.test("kernelMarkdownLine() has as many cells as its head", () => {
  const [head, rule] = kernelMarkdownHead().split("\n");
  const cells = (line: string) => line.split("|").length;
  assertEquals(cells(kernelMarkdownLine(TIMING)), cells(head!));
  assertEquals(cells(rule!), cells(head!));
});

Deno.test("toKernelRow() is flat, with units in its names", () => {
  const row = toKernelRow(TIMING);
  assertEquals(row.median_ns, 1.25e6);
  assertEquals(row.file_gbs, 14.5981);
  assertEquals(row.gflops, 57.9821);
  assertEquals(row.stream_gbs, 3000);
  assertEquals(row.arithmetic_fraction, 0.5567);
  for (const value of Object.values(row)) {
    assertEquals(["string", "number"].includes(typeof value), true);
  }
});

Deno.test("significant() gives three digits without an exponent", () => {
  const values = [0, 1e-5, 0.0123, 0.5, 1, 9.999, 12.34, 123.4, 1234.5, 1e7];
  assertEquals(values.map(significant), [
    "0.000",
    "0.000",
    "0.012",
    "0.500",
    "1.00",
    "10.0",
    "12.3",
    "123",
    "1235",
    "10000000",
  ]);
});
