// TQ2_0 and TQ1_0: w[i] = d * (q[i] - 1), 256 q of two bits and one f16 d. What
// TQ1_0 squeezes into the digits of base 3 is unpacked at load.
//
//   quants [blocks]      vec2u, q[0..15] and q[16..31]: byte j holds q[j],
//                        q[j + 4], q[j + 8], q[j + 12] from its lowest bit on
//   scales [blocks / 16] u32, two d, each of eight blocks

const HAS_OFFSET = true;
const ONE_SCALE = true;

@group(0) @binding(0) var<storage, read> quants: array<vec2u>;
@group(0) @binding(1) var<storage, read> scales: array<u32>;

fn block_quants(index: u32) -> Quants {
  let q = quants[index];
  let pair = unpack2x16float(scales[index >> 4u]);
  let d = select(pair.x, pair.y, (index & 8u) != 0u);
  return Quants(
    (vec4u(q.x) >> vec4u(0u, 2u, 4u, 6u)) & vec4u(0x03030303u),
    (vec4u(q.y) >> vec4u(0u, 2u, 4u, 6u)) & vec4u(0x03030303u),
    vec2f(d),
    vec2f(d),
  );
}
