// The activations of a matrix-vector product as whole numbers of 8 bits.
//
//   x        [rows, blocks, 2]  vec4u, 32 i8 a block (quantize.wgsl)
//   x_scales [rows, blocks]     vec4f, the scale, and the sums of the first and
//                               the last 16 activations
//
// Joined behind quant/quantized.wgsl and a reduce_*.wgsl, before matvec.wgsl.

@group(0) @binding(2) var<storage, read> x: array<vec4u>;
@group(0) @binding(6) var<storage, read> x_scales: array<vec4f>;

alias Activations = Int8Input;

fn activations(m: u32, block: u32, index: u32) -> Activations {
  let i = m * params.blocks + block;
  let scale = x_scales[i];
  return Int8Input(x[i * 2u], x[i * 2u + 1u], scale.x, scale.yz);
}

fn add_product(sum: f32, w: Weights, x: Activations) -> f32 {
  return add_int8_dot(sum, w, x);
}

fn add_squares(sum: f32, x: Activations) -> f32 {
  return sum;
}

fn finish(sums: Sums, index: u32) -> vec4f {
  return reduce_sum(sums.rows, index);
}
