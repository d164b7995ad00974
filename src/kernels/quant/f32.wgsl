// F32: the weights as they are, rows padded with zeros to whole blocks.
//
//   quants [rows, blocks, 8] vec4u, the bits of four f32

@group(0) @binding(0) var<storage, read> quants: array<vec4u>;

fn block_weights(index: u32) -> Block {
  let i = index * 8u;
  return Block(
    bitcast<vec4f>(quants[i]), bitcast<vec4f>(quants[i + 1u]),
    bitcast<vec4f>(quants[i + 2u]), bitcast<vec4f>(quants[i + 3u]),
    bitcast<vec4f>(quants[i + 4u]), bitcast<vec4f>(quants[i + 5u]),
    bitcast<vec4f>(quants[i + 6u]), bitcast<vec4f>(quants[i + 7u]),
  );
}

fn block_dot(index: u32, input: Input) -> f32 {
  return dot_blocks(input.x, block_weights(index));
}
