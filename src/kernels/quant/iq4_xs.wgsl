// IQ4_XS: w[i] = d * (s - 32) * value[q[i]], 256 nibbles q, six bits of s for
// each 32 of them and one f16 d. Byte j of a block holds q[j] in its low and
// q[j + 16] in its high nibble; see nibble_table.wgsl for the values.
//
//   quants [blocks]     vec4u, the 16 bytes in order
//   scales [blocks / 8] vec2u: d, the high two bits of the s of eight blocks,
//                       the low four bits

const HAS_OFFSET = false;
const ONE_SCALE = true;

@group(0) @binding(0) var<storage, read> quants: array<vec4u>;
@group(0) @binding(1) var<storage, read> scales: array<vec2u>;

fn block_quants(index: u32) -> Quants {
  let q = look_up(quants[index]);
  let header = scales[index >> 3u];
  let block = index & 7u;
  let low = (header.y >> (4u * block)) & 15u;
  let high = (header.x >> (16u + 2u * block)) & 3u;
  let s = f32(low | (high << 4u)) - 32.0;
  let d = unpack2x16float(header.x).x;
  return Quants(q.low, q.high, vec2f(d * s), vec2f(0.0));
}
