// Q8_0: w[i] = d * q[i], 32 signed bytes q and one f16 scale d a block.
//
//   quants [rows, blocks, 2]   vec4u, the 32 bytes in order
//   scales [rows * blocks / 2] u32, the d of two blocks
//
// In the file a block is 34 bytes (d, then q): too narrow for 16-byte loads, so
// repack_blocks.wgsl takes the two apart at load.

@group(0) @binding(0) var<storage, read> quants: array<vec4u>;
@group(0) @binding(1) var<storage, read> scales: array<u32>;

fn scale_of(index: u32) -> f32 {
  let pair = unpack2x16float(scales[index >> 1u]);
  return select(pair.x, pair.y, (index & 1u) == 1u);
}

fn block_quants(index: u32) -> Block {
  let p = quants[index * 2u];
  let q = quants[index * 2u + 1u];
  return Block(
    vec4f(unpack4xI8(p.x)), vec4f(unpack4xI8(p.y)),
    vec4f(unpack4xI8(p.z)), vec4f(unpack4xI8(p.w)),
    vec4f(unpack4xI8(q.x)), vec4f(unpack4xI8(q.y)),
    vec4f(unpack4xI8(q.z)), vec4f(unpack4xI8(q.w)),
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
