// IQ4_NL: w[i] = d * value[q[i]], 32 nibbles q and one f16 scale d a block.
// Byte j holds q[j] in its low and q[j + 16] in its high nibble; see
// nibble_table.wgsl for the values.
//
//   quants [blocks]     vec4u, the 16 bytes in order
//   scales [blocks / 2] u32, the d of two blocks

const HAS_OFFSET = false;
const ONE_SCALE = true;

@group(0) @binding(0) var<storage, read> quants: array<vec4u>;
@group(0) @binding(1) var<storage, read> scales: array<u32>;

fn block_quants(index: u32) -> Quants {
  let q = look_up(quants[index]);
  let pair = unpack2x16float(scales[index >> 1u]);
  let d = select(pair.x, pair.y, (index & 1u) == 1u);
  return Quants(q.low, q.high, vec2f(d), vec2f(0.0));
}
