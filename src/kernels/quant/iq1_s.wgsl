// IQ1_S: w[i] = d * (2 s + 1) * (g[i] + delta). A point of the grid makes eight
// g of -1, 0 or 1; s is three bits and delta 1/8 or -1/8 for 32 weights, d an
// f16 for 256.
//
//   quants [blocks]        u32: the low eight bits of the numbers of four
//                          points, a byte each
//   scales [blocks / 8, 5] u32: a half a block, with the high three bits of the
//                          four numbers, s, and a bit that is set where delta
//                          is negative, from the lowest bit on; and d
//   table  [2048]          see iq1_points.wgsl
//
// Here q = 4 (g + 1), and the offset takes delta in.
// Joined behind iq1_points.wgsl.

const HAS_OFFSET = true;
const ONE_SCALE = true;

@group(0) @binding(0) var<storage, read> quants: array<u32>;
@group(0) @binding(1) var<storage, read> scales: array<u32>;

fn block_quants(index: u32) -> Quants {
  let low = quants[index];
  let words = (index >> 3u) * 5u;
  let half = scales[words + ((index & 7u) >> 1u)] >> ((index & 1u) * 16u);
  let d = unpack2x16float(scales[words + 4u]).x;
  let q = points(low, vec4u(half) >> vec4u(0u, 3u, 6u, 9u));
  let scale = d * f32(((half >> 11u) & 14u) + 1u);
  return Quants(
    nibbles(q.xy),
    nibbles(q.zw),
    vec2f(0.25 * scale),
    vec2f(select(0.875, 1.125, (half & 0x8000u) != 0u) * scale),
  );
}
