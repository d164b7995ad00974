// IQ2_XS: w[i] = d * (2 s + 1) / 8 * q[i]. A point of the grid, eight bytes,
// with eight signs makes eight q; s is four bits for 16 weights, d an f16 for
// 256.
//
//   quants [blocks]        vec2u, four halves: the number of a point, nine
//                          bits, and its signs, seven bits
//   scales [blocks / 8, 3] u32: a byte a block, s of its first 16 weights in
//                          the low and of its last 16 in the high nibble, and d
//   table  [512]           vec2u, the points
//
// Joined behind signs.wgsl.

const HAS_OFFSET = false;
const ONE_SCALE = false;

@group(0) @binding(0) var<storage, read> quants: array<vec2u>;
@group(0) @binding(1) var<storage, read> scales: array<u32>;
@group(0) @binding(9) var<storage, read> table: array<vec2u>;

fn block_quants(index: u32) -> Quants {
  let q = quants[index].xxyy >> vec4u(0u, 16u, 0u, 16u);
  let words = (index >> 3u) * 3u;
  let s = scales[words + ((index & 7u) >> 2u)] >> ((index & 3u) * 8u);
  let d = unpack2x16float(scales[words + 2u]).x;
  let i = q & vec4u(0x1ffu);
  let signs = even_signs(q >> vec4u(9u));
  return Quants(
    with_signs(
      vec4u(table[i.x], table[i.y]), signs.xxyy >> vec4u(0u, 4u, 0u, 4u),
    ),
    with_signs(
      vec4u(table[i.z], table[i.w]), signs.zzww >> vec4u(0u, 4u, 0u, 4u),
    ),
    d * (vec2f(vec2u(s, s >> 4u) & vec2u(15u)) * 0.25 + 0.125),
    vec2f(0.0),
  );
}
