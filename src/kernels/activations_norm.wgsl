// The activations of a matrix-vector product behind RMSNorm, normalized in
// passing: rows are multiplied with x * weight, the squares of x are added up
// on the way, and the scale that they give is applied to the finished sums.
//
//   x      [stride]  f32, zero from dim on
//   weight [stride]  f32, zero from dim on
//
// Each run of lanes sees all of x, so it needs nothing from another workgroup,
// and decode saves a dependent dispatch.
// Joined behind quant/block.wgsl and a reduce_*.wgsl.

struct Norm {
  dim: f32,
  eps: f32,
}

@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(5) var<storage, read> norm_weight: array<vec4f>;
@group(0) @binding(6) var<uniform> norm: Norm;

var<private> squares: f32;

alias Activations = Input;

fn activations(block: u32, valid: bool, index: u32) -> Activations {
  let i = block * 8u;
  let v = Block(
    x[i], x[i + 1u], x[i + 2u], x[i + 3u],
    x[i + 4u], x[i + 5u], x[i + 6u], x[i + 7u],
  );
  squares += select(0.0, dot_blocks(v, v), valid);
  return input_of(Block(
    v.a * norm_weight[i], v.b * norm_weight[i + 1u],
    v.c * norm_weight[i + 2u], v.d * norm_weight[i + 3u],
    v.e * norm_weight[i + 4u], v.f * norm_weight[i + 5u],
    v.g * norm_weight[i + 6u], v.h * norm_weight[i + 7u],
  ));
}

fn product(index: u32, x: Activations) -> f32 {
  return block_dot(index, x);
}

// Adds the lanes' sums of four rows, and applies the norm's scale.
fn finish(sum: vec4f, index: u32) -> vec4f {
  let rows = reduce_sum(sum, index);
  let mean = reduce_sum(vec4f(squares), index).x / norm.dim;
  return rows * inverseSqrt(mean + norm.eps);
}
