// Q6_K: w[i] = d * s * (q[i] - 32), 256 six-bit q, a signed byte s for each 16
// of them and one f16 d. On the GPU each 32 weights stand for themselves:
//
//   quants [rows, blocks, 1] vec4u, the low four bits: byte j holds q[j] in its
//                            low and q[j + 16] in its high nibble
//   scales [rows, blocks, 3] u32: the high two bits of q[0..15] and q[16..31],
//                            byte j holding those of q[j], q[j + 4], q[j + 8]
//                            and q[j + 12] from its lowest bit on; then the two
//                            s, and d
//
// repack_q6_k.wgsl makes this of the file's 210 bytes.

@group(0) @binding(0) var<storage, read> quants: array<vec4u>;
@group(0) @binding(1) var<storage, read> scales: array<u32>;

fn six_bits(low: u32, high: u32) -> vec4f {
  let q = (low & 0x0f0f0f0fu) | ((high & 0x03030303u) << 4u);
  return vec4f(unpack4xU8(q)) - 32.0;
}

// The scales of the first and of the last 16 weights.
fn scales_of(index: u32) -> vec2f {
  let word = scales[index * 3u + 2u];
  return vec2f(unpack4xI8(word).xy) * unpack2x16float(word).y;
}

fn block_quants(index: u32) -> Block {
  let q = quants[index];
  let low = scales[index * 3u];
  let high = scales[index * 3u + 1u];
  return Block(
    six_bits(q.x, low), six_bits(q.y, low >> 2u),
    six_bits(q.z, low >> 4u), six_bits(q.w, low >> 6u),
    six_bits(q.x >> 4u, high), six_bits(q.y >> 4u, high >> 2u),
    six_bits(q.z >> 4u, high >> 4u), six_bits(q.w >> 4u, high >> 6u),
  );
}

fn block_weights(index: u32) -> Block {
  let s = scales_of(index);
  let q = block_quants(index);
  return Block(
    q.a * s.x, q.b * s.x, q.c * s.x, q.d * s.x,
    q.e * s.y, q.f * s.y, q.g * s.y, q.h * s.y,
  );
}

fn block_dot(index: u32, x: Block) -> f32 {
  let q = block_quants(index);
  let low = x.a * q.a + x.b * q.b + x.c * q.c + x.d * q.d;
  let high = x.e * q.e + x.f * q.f + x.g * q.g + x.h * q.h;
  let s = scales_of(index);
  return dot(low * s.x + high * s.y, vec4f(1.0));
}
