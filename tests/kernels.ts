import { BufferPool } from "../src/gpu/buffers.ts";
import { type Gpu, limitsOf } from "../src/gpu/gpu.ts";
import type { KernelScope } from "../src/gpu/kernel.ts";
import { type Batch, batchWords } from "../src/kernels/batch.ts";
import { assertNmse, download, gpu, gpuTest, poisoned } from "./gpu.ts";

/** NMSE that f32 kernels stay below by orders of magnitude: 1e-13 is usual. */
export const NMSE_LIMIT = 1e-10;

/**
 * Whether tests of variants take every format and size, which is for
 * `deno task test:variants`: it takes long.
 */
export const EVERY_VARIANT: boolean =
  Deno.env.get("SERAPH_EVERY_VARIANT") === "1";

/** `gpu` as `workgroupSize()` sees a software or a hardware adapter. */
function asAdapter(gpu: Gpu, isFallbackAdapter: boolean): Gpu {
  const { vendor, architecture, device, description } = gpu.info;
  const { subgroupMinSize, subgroupMaxSize } = gpu.info;
  const info: Omit<GPUAdapterInfo, "__brand"> = {
    vendor,
    architecture,
    device,
    description,
    subgroupMinSize,
    subgroupMaxSize,
    isFallbackAdapter,
  };
  return { ...gpu, info: info as GPUAdapterInfo, pipelines: new Map() };
}

/** The device with the workgroups of hardware, or `null`. */
export const hardware: Gpu | null = gpu && asAdapter(gpu, false);

/** The device with the workgroups of a software adapter, or `null`. */
export const software: Gpu | null = gpu && asAdapter(gpu, true);

const workgroups = [
  ["workgroups of 64", hardware],
  ["workgroups of a subgroup", software],
] as const;

/** A test that gets a device and a pool which is checked and freed behind it. */
export type KernelTest = (scope: KernelScope) => Promise<void>;

/** Registers a kernel's test once for each workgroup size. */
export function kernelTest(name: string, fn: KernelTest): void {
  for (const [variant, on] of workgroups) {
    scopeTest(`${name} (${variant})`, fn, on);
  }
}

/** Registers a kernel's test for each workgroup size, with subgroups and without. */
export function reductionTest(name: string, fn: KernelTest): void {
  for (const [variant, on] of workgroups) {
    const plain = on && { ...on, subgroupSize: 0 };
    scopeTest(`${name} (${variant}, no subgroups)`, fn, plain);
    if (on !== null && on.subgroupSize > 0) {
      scopeTest(`${name} (${variant}, subgroups)`, fn, on);
    }
  }
}

/** Registers a test on one device. */
export function scopeTest(
  name: string,
  fn: KernelTest,
  on: Gpu | null = gpu,
): void {
  gpuTest(name, async (gpu) => {
    using pool = new BufferPool(gpu.device);
    await fn({ gpu, pool });
    // The pool's error scope, not the test's, has caught what went wrong.
    await pool.check(`the buffers of "${name}"`);
  }, on);
}

/** A uniform buffer with a batch of `rows`, at position 0 unless told. */
export function batchOf({ pool }: KernelScope, batch: Partial<Batch>) {
  return pool.uniform(batchWords({ rows: 1, position: 0, first: 0, ...batch }));
}

/** `[rows, cols]` floats in rows of `stride`, `fill` between them. */
export function padRows(
  data: ArrayLike<number>,
  { cols, stride, fill = 0 }: { cols: number; stride: number; fill?: number },
): Float32Array<ArrayBuffer> {
  const rows = data.length / cols;
  const padded = new Float32Array(rows * stride).fill(fill);
  for (let i = 0; i < data.length; i++) {
    padded[Math.floor(i / cols) * stride + i % cols] = data[i]!;
  }
  return padded;
}

/** A NaN-filled output with room for 64 floats that nothing may write. */
export function poisonedOutput({ gpu }: KernelScope, length: number) {
  return poisoned(gpu, Math.ceil(length / 4) * 4 + 64);
}

/**
 * Asserts that a {@linkcode poisonedOutput} holds `expected`, and NaN where that
 * is NaN and behind it.
 */
export async function assertOutput(
  { gpu }: Pick<KernelScope, "gpu">,
  output: GPUBuffer,
  expected: ArrayLike<number>,
  limit = NMSE_LIMIT,
): Promise<void> {
  const actual = await download(gpu, output);
  const written: number[] = [];
  const wanted: number[] = [];
  for (let i = 0; i < actual.length; i++) {
    if (!Number.isNaN(expected[i] ?? NaN)) {
      written.push(actual[i]!);
      wanted.push(expected[i]!);
    } else if (!Number.isNaN(actual[i])) {
      throw new Error(
        `Float ${i} is ${
          actual[i]
        }, it was not to be written (length ${expected.length})`,
      );
    }
  }
  assertNmse(written, wanted, limit);
}

/**
 * Registers a kernel's test on a device that takes 31 workgroups a dimension at
 * most, so that dispatches in two dimensions stay small.
 */
export function narrowTest(name: string, fn: KernelTest): void {
  kernelTest(`${name} on a grid of two dimensions`, async (scope) => {
    const { device } = scope.gpu;
    const value = {
      ...limitsOf(device),
      maxComputeWorkgroupsPerDimension: 31,
    };
    // Deno has it on the prototype, Dawn on the device itself.
    const own = Object.getOwnPropertyDescriptor(device, "limits");
    Object.defineProperty(device, "limits", { configurable: true, value });
    try {
      await fn(scope);
    } finally {
      if (own === undefined) Reflect.deleteProperty(device, "limits");
      else Object.defineProperty(device, "limits", own);
    }
  });
}
