// The activations of a matrix-vector product, as they are.
//
//   x [rows, blocks, 8]  vec4f, zero from the columns' end on
//
// Joined behind quant/block.wgsl and a reduce_*.wgsl, before matvec.wgsl.

@group(0) @binding(2) var<storage, read> x: array<vec4f>;

alias Activations = Input;

fn activations(m: u32, block: u32, index: u32) -> Activations {
  let i = (m * params.blocks + block) * 8u;
  return input_of(Block(
    x[i], x[i + 1u], x[i + 2u], x[i + 3u],
    x[i + 4u], x[i + 5u], x[i + 6u], x[i + 7u],
  ));
}

fn add_product(sum: f32, w: Weights, x: Activations) -> f32 {
  return add_dot(sum, w, x);
}

// What the activations themselves add up to, where anybody wants it.
fn add_squares(sum: f32, x: Activations) -> f32 {
  return sum;
}

// Adds up the lanes' sums.
fn finish(sums: Sums, index: u32) -> vec4f {
  return reduce_sum(sums.rows, index);
}
