// IQ1_M: w[i] = d * (2 s + 1) * (g[i] + delta). A point of the grid makes eight
// g of -1, 0 or 1; delta is 1/8 or -1/8 for 8 weights, s three bits for 16, d
// an f16 for 256.
//
//   quants [blocks]        u32: the low eight bits of the numbers of four
//                          points, a byte each
//   scales [blocks / 8, 3] vec2u: a half a block, with the high three bits of
//                          each number and a bit that is set where its delta is
//                          negative; then a half for two blocks, with four s
//                          from the lowest bit on and four bits of d
//   table  [2048]          see iq1_points.wgsl
//
// Here q = 4 (g + 1), and 1 more where delta is positive, so that
// g + delta = (q - 4.5) / 4.
// Joined behind iq1_points.wgsl.

const HAS_OFFSET = true;
const ONE_SCALE = false;

@group(0) @binding(0) var<storage, read> quants: array<u32>;
@group(0) @binding(1) var<storage, read> scales: array<vec2u>;

fn block_quants(index: u32) -> Quants {
  let low = quants[index];
  let words = (index >> 3u) * 3u;
  let k = index & 7u;
  let halves = scales[words + (k >> 2u)];
  let header = scales[words + 2u];
  let half = select(halves.x, halves.y, (k & 2u) != 0u) >> ((k & 1u) * 16u);
  let s = select(header.x, header.y, k > 3u) >> ((k & 2u) * 8u + (k & 1u) * 6u);
  let d = unpack2x16float(
    ((header.x >> 12u) & 0xfu) | ((header.x >> 24u) & 0xf0u) |
      ((header.y >> 4u) & 0xf00u) | ((header.y >> 16u) & 0xf000u),
  ).x;
  let positive = (vec4u(~half) >> vec4u(3u, 7u, 11u, 15u)) & vec4u(1u);
  let q = points(low, vec4u(half) >> vec4u(0u, 4u, 8u, 12u)) |
    (positive * vec4u(0x11111111u));
  let scale = d * vec2f((vec2u(s << 1u, s >> 2u) & vec2u(14u)) + vec2u(1u));
  return Quants(
    nibbles(q.xy), nibbles(q.zw), 0.25 * scale, 1.125 * scale,
  );
}
