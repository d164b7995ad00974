// Q2_K: w[i] = d * s * q[i] - dmin * m, 256 q of two bits, four bits of s and
// of m for each 16 of them, f16 d and dmin.
//
//   quants [blocks]        vec2u, q[0..15] and q[16..31]: byte j holds q[j],
//                          q[j + 4], q[j + 8], q[j + 12] from its lowest bit on
//   scales [blocks / 8, 5] u32: 16 bytes, s in the low and m in the high
//                          nibble, of eight blocks, and d and dmin

const HAS_OFFSET = true;
const ONE_SCALE = false;

@group(0) @binding(0) var<storage, read> quants: array<vec2u>;
@group(0) @binding(1) var<storage, read> scales: array<u32>;

fn block_quants(index: u32) -> Quants {
  let q = quants[index];
  let words = (index >> 3u) * 5u;
  let pair = scales[words + ((index & 7u) >> 1u)] >> ((index & 1u) * 16u);
  let d = unpack2x16float(scales[words + 4u]);
  let s = vec2u(pair, pair >> 8u) & vec2u(15u);
  let m = vec2u(pair >> 4u, pair >> 12u) & vec2u(15u);
  return Quants(
    (vec4u(q.x) >> vec4u(0u, 2u, 4u, 6u)) & vec4u(0x03030303u),
    (vec4u(q.y) >> vec4u(0u, 2u, 4u, 6u)) & vec4u(0x03030303u),
    d.x * vec2f(s),
    d.y * vec2f(m),
  );
}
