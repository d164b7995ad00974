// Q4_0: w[i] = d * (q[i] - 8), 32 nibbles q and one f16 scale d a block. Byte j
// holds q[j] in its low and q[j + 16] in its high nibble.
//
//   quants [rows, blocks, 1]   vec4u, the 16 bytes in order
//   scales [rows * blocks / 2] u32, the d of two blocks
//
// In the file a block is 18 bytes (d, then q): too narrow for 16-byte loads, so
// repack_blocks.wgsl takes the two apart at load.

@group(0) @binding(0) var<storage, read> quants: array<vec4u>;
@group(0) @binding(1) var<storage, read> scales: array<u32>;

fn scale_of(index: u32) -> f32 {
  let pair = unpack2x16float(scales[index >> 1u]);
  return select(pair.x, pair.y, (index & 1u) == 1u);
}

fn nibbles(word: u32) -> vec4f {
  return vec4f(unpack4xU8(word & 0x0f0f0f0fu)) - 8.0;
}

fn block_quants(index: u32) -> Block {
  let q = quants[index];
  return Block(
    nibbles(q.x), nibbles(q.y), nibbles(q.z), nibbles(q.w),
    nibbles(q.x >> 4u), nibbles(q.y >> 4u),
    nibbles(q.z >> 4u), nibbles(q.w >> 4u),
  );
}

fn block_weights(index: u32) -> Block {
  let d = scale_of(index);
  let q = block_quants(index);
  return Block(
    q.a * d, q.b * d, q.c * d, q.d * d, q.e * d, q.f * d, q.g * d, q.h * d,
  );
}

fn block_dot(index: u32, x: Block) -> f32 {
  return scale_of(index) * dot_blocks(x, block_quants(index));
}
