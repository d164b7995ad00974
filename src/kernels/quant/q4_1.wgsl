// Q4_1: w[i] = d * q[i] + m, 32 nibbles q and f16 d and m a block. Byte j holds
// q[j] in its low and q[j + 16] in its high nibble.
//
//   quants [blocks] vec4u, the 16 bytes in order
//   scales [blocks] u32, d and m

const HAS_OFFSET = true;
const ONE_SCALE = true;

@group(0) @binding(0) var<storage, read> quants: array<vec4u>;
@group(0) @binding(1) var<storage, read> scales: array<u32>;

fn block_quants(index: u32) -> Quants {
  let q = quants[index];
  let s = unpack2x16float(scales[index]);
  return Quants(
    q & vec4u(0x0f0f0f0fu),
    (q >> vec4u(4u)) & vec4u(0x0f0f0f0fu),
    vec2f(s.x),
    vec2f(-s.y),
  );
}
