// IQ3_S: w[i] = d * (2 s + 1) * q[i]. A point of the grid, four bytes, with
// four signs makes four q; s is four bits for 32 weights, d an f16 for 256.
//
//   quants [blocks]      vec2u: the low eight bits of the numbers of eight
//                        points, a byte each
//   high   [blocks]      u32, the signs, a bit a weight
//   scales [blocks / 8]  vec4u: a byte a block with the high bits of its eight
//                        numbers; a nibble a block, s; and d
//   table  [512]         u32, the points
//
// Joined behind signs.wgsl.

const HAS_OFFSET = false;
const ONE_SCALE = true;

@group(0) @binding(0) var<storage, read> quants: array<vec2u>;
@group(0) @binding(1) var<storage, read> scales: array<vec4u>;
@group(0) @binding(8) var<storage, read> high: array<u32>;
@group(0) @binding(9) var<storage, read> table: array<u32>;

fn points(low: u32, high: vec4u) -> vec4u {
  let i = unpack4xU8(low) | (high & vec4u(0x100u));
  return vec4u(table[i.x], table[i.y], table[i.z], table[i.w]);
}

fn block_quants(index: u32) -> Quants {
  let q = quants[index];
  let signs = high[index];
  let header = scales[index >> 3u];
  let k = index & 7u;
  let bits = vec4u(select(header.x, header.y, k > 3u) >> ((k & 3u) * 8u));
  let s = (header.z >> (k * 4u)) & 15u;
  return Quants(
    with_signs(
      points(q.x, bits << vec4u(8u, 7u, 6u, 5u)),
      vec4u(signs) >> vec4u(0u, 4u, 8u, 12u),
    ),
    with_signs(
      points(q.y, bits << vec4u(4u, 3u, 2u, 1u)),
      vec4u(signs) >> vec4u(16u, 20u, 24u, 28u),
    ),
    vec2f(unpack2x16float(header.w).x * f32(2u * s + 1u)),
    vec2f(0.0),
  );
}
