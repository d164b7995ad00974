// The activations of a product of few columns, as they are.
//
//   x [stride]  f32, zero from the columns' end on
//
// Joined behind quant/block.wgsl and a reduce_*.wgsl.

@group(0) @binding(2) var<storage, read> x: array<vec4f>;

alias Activations = Input;

fn activations(block: u32, valid: bool, index: u32) -> Activations {
  let i = block * 8u;
  return input_of(Block(
    x[i], x[i + 1u], x[i + 2u], x[i + 3u],
    x[i + 4u], x[i + 5u], x[i + 6u], x[i + 7u],
  ));
}

fn product(index: u32, x: Activations) -> f32 {
  return block_dot(index, x);
}

// The same in two steps, for weights that meet several activations.
alias Weights = Block;

fn weights_at(index: u32) -> Weights {
  return block_weights(index);
}

fn weights_dot(w: Weights, x: Activations) -> f32 {
  return dot_blocks(x.x, w);
}

// Adds the lanes' sums of four rows.
fn finish(sum: vec4f, index: u32) -> vec4f {
  return reduce_sum(sum, index);
}
