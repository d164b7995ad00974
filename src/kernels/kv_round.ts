import type { KvType } from "./kv_cache.ts";

/** Values of a group of `"q8_0"`. */
const GROUP = 32;

/**
 * What is left of heads in a KV cache: the plain TypeScript reference of the
 * `kv_*_write.wgsl`.
 *
 * @param heads The heads side by side, `[.., headDim]`.
 * @param headDim Head size; the groups of `"q8_0"` begin anew with each head.
 * @param kv Element type of the cache.
 * @returns The values as they are read from the cache.
 */
export function roundHeads(
  heads: ArrayLike<number>,
  headDim: number,
  kv: KvType,
): Float64Array {
  const rounded = Float64Array.from(heads);
  if (kv === "f16") return rounded.map(Math.f16round);
  if (kv === "f32") return rounded.map(Math.fround);
  for (let head = 0; head < rounded.length; head += headDim) {
    for (let d = 0; d < headDim; d += GROUP) {
      const end = Math.min(d + GROUP, headDim);
      roundGroup(rounded.subarray(head + d, head + end));
    }
  }
  return rounded;
}

/** As ggml does: the scale is rounded only behind the division. */
function roundGroup(group: Float64Array): void {
  const most = group.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  const scale = Math.fround(most / 127);
  const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
  for (const [i, value] of group.entries()) {
    const quotient = Math.fround(value * inverse);
    const nearest = Math.sign(quotient) * Math.floor(Math.abs(quotient) + 0.5);
    group[i] = nearest * Math.f16round(scale);
  }
}
