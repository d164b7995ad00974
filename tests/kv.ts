import { assert } from "@std/assert";
import type { Gpu } from "../src/gpu/gpu.ts";
import { headQuads, type KvType } from "../src/kernels/kv_cache.ts";
import { download, upload } from "./gpu.ts";
import { assertOutput } from "./kernels.ts";

/** Values a head takes in the cache, zero from `headDim` on. */
export function headWidth(headDim: number): number {
  return 4 * headQuads(headDim);
}

/** `[.., headDim]` values as `[.., headWidth]`, with zeros between them. */
export function padHeads(
  values: ArrayLike<number>,
  headDim: number,
): Float64Array {
  const width = headWidth(headDim);
  const padded = new Float64Array(values.length / headDim * width);
  for (let i = 0; i < values.length; i++) {
    padded[Math.floor(i / headDim) * width + i % headDim] = values[i]!;
  }
  return padded;
}

/** Uploads padded heads as a cache with room for 64 values more, all NaN. */
export function uploadKv(
  gpu: Gpu,
  padded: ArrayLike<number>,
  kv: KvType,
): GPUBuffer {
  const Format = kv === "f16" ? Float16Array : Float32Array;
  const cache = new Format(padded.length + 64).fill(NaN);
  cache.set(padded);
  return upload(gpu, cache as ArrayBufferView<ArrayBuffer>);
}

/**
 * Asserts that a cache from {@linkcode uploadKv} holds `expected`, and NaN where
 * that is NaN and behind it. In f16 values may be off by `ulps` of the last
 * place: WGSL may round either way, and so may the reference's last bit.
 */
export async function assertKv(
  gpu: Gpu,
  cache: GPUBuffer,
  expected: Float64Array,
  { kv, ulps }: { kv: KvType; ulps: number },
): Promise<void> {
  if (kv === "f32") return assertOutput({ gpu }, cache, expected);
  const actual = new Float16Array((await download(gpu, cache)).buffer);
  for (let i = 0; i < actual.length; i++) {
    const wanted = expected[i] ?? NaN;
    // The last place of a normal f16 is worth 2^-10 of it at most.
    const limit = ulps * Math.max(Math.abs(wanted), 2 ** -14) * 2 ** -10;
    assert(
      Number.isNaN(wanted)
        ? Number.isNaN(actual[i])
        : Math.abs(actual[i]! - wanted) <= limit,
      `Half ${i} of the cache is ${actual[i]}, ${wanted} is wanted`,
    );
  }
}

/** Reads `heads` heads of an f16 cache back, without their padding. */
export async function readKv(
  gpu: Gpu,
  cache: GPUBuffer,
  { headDim, first, heads }: { headDim: number; first: number; heads: number },
): Promise<number[]> {
  const halves = new Float16Array((await download(gpu, cache)).buffer);
  const width = headWidth(headDim);
  return Array.from({ length: heads }, (_, i) => {
    const start = (first + i) * width;
    return [...halves.subarray(start, start + headDim)];
  }).flat();
}
