// Q5_1: w[i] = d * q[i] + m, 32 q of five bits and f16 d and m a block.
//
//   quants [blocks] vec4u, the low four bits: byte j holds q[j] in its low and
//                   q[j + 16] in its high nibble
//   high   [blocks] u32, the highest bit: bit k + 8b is that of q[4k + b]
//   scales [blocks] u32, d and m

const HAS_OFFSET = true;
const ONE_SCALE = true;

@group(0) @binding(0) var<storage, read> quants: array<vec4u>;
@group(0) @binding(1) var<storage, read> scales: array<u32>;
@group(0) @binding(8) var<storage, read> high: array<u32>;

fn block_quants(index: u32) -> Quants {
  let q = quants[index];
  let bits = vec4u(high[index]);
  let s = unpack2x16float(scales[index]);
  return Quants(
    (q & vec4u(0x0f0f0f0fu)) |
      ((bits << vec4u(4u, 3u, 2u, 1u)) & vec4u(0x10101010u)),
    ((q >> vec4u(4u)) & vec4u(0x0f0f0f0fu)) |
      ((bits >> vec4u(0u, 1u, 2u, 3u)) & vec4u(0x10101010u)),
    vec2f(s.x),
    vec2f(-s.y),
  );
}
