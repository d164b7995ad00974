import { assert, assertEquals } from "@std/assert";
import type { Gpu } from "../src/gpu/gpu.ts";
import { headBytes, headOctets, type KvType } from "../src/kernels/kv_cache.ts";
import { assertNmse, download, upload } from "./gpu.ts";
import { NMSE_LIMIT } from "./kernels.ts";

/** How heads lie in a cache. */
export interface HeadLayout {
  /** Head size. */
  headDim: number;
  /** Element type. */
  kv: KvType;
}

/** Floats that a head takes in q, zero from `headDim` on. */
export function headWidth(headDim: number): number {
  return 8 * headOctets(headDim);
}

/** `[.., headDim]` values as `[.., headWidth]`, with zeros between them. */
export function padHeads(
  values: ArrayLike<number>,
  headDim: number,
): Float64Array<ArrayBuffer> {
  const width = headWidth(headDim);
  const padded = new Float64Array(values.length / headDim * width);
  for (let i = 0; i < values.length; i++) {
    padded[Math.floor(i / headDim) * width + i % headDim] = values[i]!;
  }
  return padded;
}

/** Uploads padded heads of q, and 64 floats of NaN behind them. */
export function uploadQ(
  gpu: Gpu,
  values: ArrayLike<number>,
  headDim: number,
): GPUBuffer {
  const padded = padHeads(values, headDim);
  const q = new Float32Array(padded.length + 64).fill(NaN);
  q.set(padded);
  return upload(gpu, q);
}

/**
 * Uploads heads as a cache, and a head of NaN behind them.
 *
 * @param gpu The device.
 * @param values `[.., headDim]`, what `roundHeads()` leaves of them; heads that
 * begin with NaN are NaN throughout.
 * @param layout How they are written.
 */
export function uploadKv(
  gpu: Gpu,
  values: ArrayLike<number>,
  { headDim, kv }: HeadLayout,
): GPUBuffer {
  const size = headBytes(headDim, kv);
  const count = values.length / headDim;
  // All ones are NaN in f32 and in f16.
  const bytes = new Uint8Array((count + 1) * size).fill(0xff);
  for (let i = 0; i < count; i++) {
    const head = Array.from(
      { length: headDim },
      (_, d) => values[i * headDim + d]!,
    );
    if (!Number.isNaN(head[0])) bytes.set(encodeHead(head, kv), i * size);
  }
  return upload(gpu, bytes);
}

function encodeHead(head: readonly number[], kv: KvType): Uint8Array {
  const bytes = new Uint8Array(headBytes(head.length, kv));
  if (kv === "f32") new Float32Array(bytes.buffer).set(head);
  else if (kv === "f16") new Float16Array(bytes.buffer).set(head);
  else {
    const groups = Math.ceil(head.length / 32);
    const quants = new Int8Array(bytes.buffer, 0, 32 * groups);
    const scales = new Float16Array(bytes.buffer, 32 * groups);
    for (let group = 0; group < groups; group++) {
      const part = head.slice(32 * group, 32 * group + 32);
      const scale = Math.max(...part.map(Math.abs)) / 127;
      scales[group] = scale;
      quants.set(part.map((x) => Math.round(x / (scale || 1))), 32 * group);
    }
  }
  return bytes;
}

/** Reads all heads of a cache back, `[.., headDim]`; the padding must be 0. */
async function readKv(
  gpu: Gpu,
  cache: GPUBuffer,
  { headDim, kv }: HeadLayout,
): Promise<Float64Array> {
  const { buffer } = await download(gpu, cache);
  const size = headBytes(headDim, kv);
  const count = Math.floor(buffer.byteLength / size);
  const values = new Float64Array(count * headDim);
  for (let i = 0; i < count; i++) {
    const head = decodeHead(buffer.slice(i * size, (i + 1) * size), {
      headDim,
      kv,
    });
    values.set(head.slice(0, headDim), i * headDim);
    if (Number.isNaN(head[0])) continue;
    const padding = head.slice(headDim);
    assertEquals(padding, padding.map(() => 0), `padding of head ${i}`);
  }
  return values;
}

/** A head with its padding. */
function decodeHead(
  bytes: ArrayBuffer,
  { headDim, kv }: HeadLayout,
): number[] {
  if (kv === "f32") return [...new Float32Array(bytes)];
  if (kv === "f16") return [...new Float16Array(bytes)];
  const width = 32 * Math.ceil(headDim / 32);
  const scales = new Float16Array(bytes, width);
  return Array.from(
    new Int8Array(bytes, 0, width),
    (value, i) => value * scales[Math.floor(i / 32)]!,
  );
}

/**
 * Asserts that a cache from {@linkcode uploadKv} holds `expected`, rounded, and
 * NaN where that is NaN and behind it. Values of f16 that are `exact` have to be
 * met; else WGSL may round either way, and so may the reference's last bit.
 *
 * @returns What the cache holds.
 */
export async function assertKv(
  gpu: Gpu,
  cache: GPUBuffer,
  expected: Float64Array,
  { exact, ...layout }: HeadLayout & { exact: boolean },
): Promise<Float64Array> {
  const { headDim, kv } = layout;
  const actual = await readKv(gpu, cache, layout);
  const written: number[] = [];
  const wanted: number[] = [];
  for (let i = 0; i < actual.length; i++) {
    const value = expected[i] ?? NaN;
    if (Number.isNaN(value)) {
      assert(
        Number.isNaN(actual[i]),
        `Value ${i} of the cache is ${actual[i]}, it was not to be written`,
      );
      continue;
    }
    written.push(actual[i]!);
    wanted.push(value);
    const limit = kv === "f32"
      ? Infinity // see below
      : kv === "f16"
      ? exact ? 0 : Math.max(Math.abs(value), 2 ** -14) * 2 ** -10
      : quantError(expected, i, headDim);
    assert(
      Math.abs(actual[i]! - value) <= limit,
      `Value ${i} of the cache is ${actual[i]}, ${value} is wanted`,
    );
  }
  if (kv === "f32") assertNmse(written, wanted, NMSE_LIMIT);
  return actual;
}

/** Half a step of value `i`'s group, and what f16 costs the step. */
function quantError(values: Float64Array, i: number, headDim: number): number {
  const head = i - i % headDim;
  const first = i - (i - head) % 32;
  const group = values.subarray(first, Math.min(first + 32, head + headDim));
  const step = group.reduce((max, x) => Math.max(max, Math.abs(x)), 0) / 127;
  return (0.5 + 1e-4) * step + Math.abs(values[i]!) * 2 ** -11;
}
