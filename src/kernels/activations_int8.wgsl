// The activations of a product of few columns as whole numbers of 8 bits.
//
//   x        [blocks, 2]  vec4u, 32 i8 a block (quantize.wgsl)
//   x_scales [blocks]     vec4f, the scale, and the sums of the first and the
//                         last 16 activations
//
// Joined behind quant/quantized.wgsl and a reduce_*.wgsl.

@group(0) @binding(2) var<storage, read> x: array<vec4u>;
@group(0) @binding(6) var<storage, read> x_scales: array<vec4f>;

alias Activations = Int8Input;

fn activations(block: u32, valid: bool, index: u32) -> Activations {
  let scale = x_scales[block];
  return Int8Input(x[block * 2u], x[block * 2u + 1u], scale.x, scale.yz);
}

fn product(index: u32, x: Activations) -> f32 {
  return quants_dot(block_quants(index), x);
}

// The same in two steps, for weights that meet several activations.
alias Weights = Quants;

fn weights_at(index: u32) -> Weights {
  return block_quants(index);
}

fn weights_dot(w: Weights, x: Activations) -> f32 {
  return quants_dot(w, x);
}

// Adds the lanes' sums of four rows.
fn finish(sum: vec4f, index: u32) -> vec4f {
  return reduce_sum(sum, index);
}
