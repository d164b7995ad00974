// IQ2_XXS: w[i] = d * (2 s + 1) / 8 * q[i]. A point of the grid, eight bytes,
// with eight signs makes eight q; s is four bits for 32 weights, d an f16 for
// 256.
//
//   quants [blocks]      vec2u: the numbers of four points, a byte each; then
//                        the signs of each, seven bits, and s in the highest
//                        four
//   scales [blocks / 8]  u32, d
//   table  [256]         vec2u, the points
//
// Joined behind signs.wgsl.

const HAS_OFFSET = false;
const ONE_SCALE = true;

@group(0) @binding(0) var<storage, read> quants: array<vec2u>;
@group(0) @binding(1) var<storage, read> scales: array<u32>;
@group(0) @binding(9) var<storage, read> table: array<vec2u>;

fn block_quants(index: u32) -> Quants {
  let q = quants[index];
  let d = unpack2x16float(scales[index >> 3u]).x;
  let i = unpack4xU8(q.x);
  let signs = even_signs(vec4u(q.y) >> vec4u(0u, 7u, 14u, 21u));
  return Quants(
    with_signs(
      vec4u(table[i.x], table[i.y]), signs.xxyy >> vec4u(0u, 4u, 0u, 4u),
    ),
    with_signs(
      vec4u(table[i.z], table[i.w]), signs.zzww >> vec4u(0u, 4u, 0u, 4u),
    ),
    vec2f(d * (f32(q.y >> 28u) * 0.25 + 0.125)),
    vec2f(0.0),
  );
}
