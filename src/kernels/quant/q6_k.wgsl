// Q6_K: w[i] = d * s * (q[i] - 32), 256 six-bit q, a signed byte s for each 16
// of them and one f16 d.
//
//   quants [blocks]        vec4u, the low four bits: byte j holds q[j] in its
//                          low and q[j + 16] in its high nibble
//   high   [blocks]        vec2u, the high two bits of q[0..15] and q[16..31]:
//                          byte j holds those of q[j], q[j + 4], q[j + 8] and
//                          q[j + 12] from its lowest bit on
//   scales [blocks / 8, 5] u32: the 16 s of eight blocks, and d

const HAS_OFFSET = false;
const ONE_SCALE = false;

@group(0) @binding(0) var<storage, read> quants: array<vec4u>;
@group(0) @binding(1) var<storage, read> scales: array<u32>;
@group(0) @binding(8) var<storage, read> high: array<vec2u>;

// q - 32 in each byte: an offset would round where d * s * q does not.
fn centred(low: vec4u, high: u32) -> vec4u {
  let bits = (vec4u(high) >> vec4u(0u, 2u, 4u, 6u)) & vec4u(0x03030303u);
  let q = (low & vec4u(0x0f0f0f0fu)) | (bits << vec4u(4u));
  return ((q | vec4u(0x80808080u)) - vec4u(0x20202020u)) ^ vec4u(0x80808080u);
}

fn block_quants(index: u32) -> Quants {
  let q = quants[index];
  let bits = high[index];
  let words = (index >> 3u) * 5u;
  let pair = scales[words + ((index & 7u) >> 1u)] >> ((index & 1u) * 16u);
  let d = unpack2x16float(scales[words + 4u]).x;
  return Quants(
    centred(q, bits.x),
    centred(q >> vec4u(4u), bits.y),
    vec2f(unpack4xI8(pair).xy) * d,
    vec2f(0.0),
  );
}
