// MXFP4: w[i] = 2^(e - 128) * value[q[i]], 32 nibbles q and one exponent e of 8
// bits a block. Byte j holds q[j] in its low and q[j + 16] in its high nibble;
// see nibble_table.wgsl for the values, which are twice those of e2m1, so that
// they are whole.
//
//   quants [blocks]     vec4u, the 16 bytes in order
//   scales [blocks / 4] u32, the e of four blocks

const HAS_OFFSET = false;
const ONE_SCALE = true;

@group(0) @binding(0) var<storage, read> quants: array<vec4u>;
@group(0) @binding(1) var<storage, read> scales: array<u32>;

// 2^(e - 128): its exponent, or below 2^-126 its only bit.
fn power(e: u32) -> f32 {
  return bitcast<f32>(select((e - 1u) << 23u, 0x00200000u << e, e < 2u));
}

fn block_quants(index: u32) -> Quants {
  let q = look_up(quants[index]);
  let e = (scales[index >> 2u] >> ((index & 3u) * 8u)) & 0xffu;
  return Quants(q.low, q.high, vec2f(power(e)), vec2f(0.0));
}
