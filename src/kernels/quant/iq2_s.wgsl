// IQ2_S: w[i] = d * (2 s + 1) / 8 * q[i]. A point of the grid, eight bytes,
// with eight signs makes eight q; s is four bits for 16 weights, d an f16 for
// 256.
//
//   quants [blocks]        vec2u: the low eight bits of the numbers of four
//                          points, a byte each, and the signs of each
//   scales [blocks / 8, 5] u32: a half a block, with the high two bits of the
//                          four numbers, s of its first and s of its last 16
//                          weights from the lowest bit on, and d
//   table  [1024]          vec2u, the points
//
// Joined behind signs.wgsl.

const HAS_OFFSET = false;
const ONE_SCALE = false;

@group(0) @binding(0) var<storage, read> quants: array<vec2u>;
@group(0) @binding(1) var<storage, read> scales: array<u32>;
@group(0) @binding(9) var<storage, read> table: array<vec2u>;

fn block_quants(index: u32) -> Quants {
  let q = quants[index];
  let words = (index >> 3u) * 5u;
  let half = scales[words + ((index & 7u) >> 1u)] >> ((index & 1u) * 16u);
  let d = unpack2x16float(scales[words + 4u]).x;
  let i = unpack4xU8(q.x) |
    ((vec4u(half) << vec4u(8u, 6u, 4u, 2u)) & vec4u(0x300u));
  return Quants(
    with_signs(
      vec4u(table[i.x], table[i.y]), vec4u(q.y) >> vec4u(0u, 4u, 8u, 12u),
    ),
    with_signs(
      vec4u(table[i.z], table[i.w]), vec4u(q.y) >> vec4u(16u, 20u, 24u, 28u),
    ),
    d * (vec2f(vec2u(half >> 8u, half >> 12u) & vec2u(15u)) * 0.25 + 0.125),
    vec2f(0.0),
  );
}
