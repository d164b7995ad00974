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

alias Weights = Block;

fn weights_at(index: u32) -> Weights {
  return block_weights(index);
}

fn add_dot(sum: f32, w: Weights, input: Input) -> f32 {
  return sum + dot_blocks(input.x, w);
}
