// Q4_0: w[i] = d * (q[i] - 8), 32 nibbles q and one f16 scale d a block. Byte j
// holds q[j] in its low and q[j + 16] in its high nibble.
//
//   quants [blocks]     vec4u, the 16 bytes in order
//   scales [blocks / 2] u32, the d of two blocks

const HAS_OFFSET = true;
const ONE_SCALE = true;

@group(0) @binding(0) var<storage, read> quants: array<vec4u>;
@group(0) @binding(1) var<storage, read> scales: array<u32>;

fn block_quants(index: u32) -> Quants {
  let q = quants[index];
  let pair = unpack2x16float(scales[index >> 1u]);
  let d = select(pair.x, pair.y, (index & 1u) == 1u);
  return Quants(
    q & vec4u(0x0f0f0f0fu),
    (q >> vec4u(4u)) & vec4u(0x0f0f0f0fu),
    vec2f(d),
    vec2f(8.0 * d),
  );
}
