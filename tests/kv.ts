import { headQuads, type KvType } from "../src/kernels/kv_cache.ts";
import { upload } from "./gpu.ts";
import type { Gpu } from "../src/gpu/gpu.ts";

/** Heads of `headDim` values in a row, and how the cache holds them. */
export interface KvLayout {
  /** Head size. */
  headDim: number;
  /** Element type. */
  kv: KvType;
}

/** Uploads `[.., headDim]` values as a cache; `fill` pads each head. */
export function uploadKv(
  gpu: Gpu,
  values: ArrayLike<number>,
  { headDim, kv }: KvLayout,
): GPUBuffer {
  const width = 4 * headQuads(headDim);
  const heads = values.length / headDim;
  const Format = kv === "f16" ? Float16Array : Float32Array;
  const cache = new Format(heads * width);
  for (let i = 0; i < values.length; i++) {
    cache[Math.floor(i / headDim) * width + i % headDim] = values[i]!;
  }
  return upload(gpu, cache as ArrayBufferView<ArrayBuffer>);
}
