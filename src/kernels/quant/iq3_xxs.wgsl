// IQ3_XXS: w[i] = d * (2 s + 1) / 4 * q[i]. A point of the grid, four bytes,
// with four signs makes four q; s is four bits for 32 weights, d an f16 for
// 256.
//
//   quants [blocks]      vec2u, the numbers of eight points, a byte each
//   high   [blocks]      u32: the signs of each two points, seven bits, and s
//                        in the highest four
//   scales [blocks / 8]  u32, d
//   table  [256]         u32, the points
//
// Joined behind signs.wgsl.

const HAS_OFFSET = false;
const ONE_SCALE = true;

@group(0) @binding(0) var<storage, read> quants: array<vec2u>;
@group(0) @binding(1) var<storage, read> scales: array<u32>;
@group(0) @binding(8) var<storage, read> high: array<u32>;
@group(0) @binding(9) var<storage, read> table: array<u32>;

fn points(numbers: u32) -> vec4u {
  let i = unpack4xU8(numbers);
  return vec4u(table[i.x], table[i.y], table[i.z], table[i.w]);
}

fn block_quants(index: u32) -> Quants {
  let q = quants[index];
  let bits = high[index];
  let d = unpack2x16float(scales[index >> 3u]).x;
  let signs = even_signs(vec4u(bits) >> vec4u(0u, 7u, 14u, 21u));
  return Quants(
    with_signs(points(q.x), signs.xxyy >> vec4u(0u, 4u, 0u, 4u)),
    with_signs(points(q.y), signs.zzww >> vec4u(0u, 4u, 0u, 4u)),
    vec2f(d * (f32(bits >> 28u) * 0.5 + 0.25)),
    vec2f(0.0),
  );
}
