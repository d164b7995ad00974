// The activations of a matrix-vector product behind RMSNorm, normalized in
// passing: rows are multiplied with x * weight, the squares of x are added up
// on the way, and the scale that they give is applied to the finished sums.
//
//   x      [rows, blocks, 8]  vec4f, zero from the columns' end on
//   weight [blocks, 8]        vec4f, likewise
//
// Each run of lanes sees all of x, so it needs nothing from another workgroup,
// and decode saves a dependent dispatch.
// Joined behind quant/block.wgsl and a reduce_*.wgsl, before matvec.wgsl.

struct Norm {
  inverse_dim: f32, // 1 / dim
  eps: f32,
}

@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(5) var<storage, read> norm_weight: array<vec4f>;
@group(0) @binding(6) var<uniform> norm: Norm;

struct Activations {
  input: Input,
  squares: f32,
}

fn activations(m: u32, block: u32, index: u32) -> Activations {
  let i = (m * params.blocks + block) * 8u;
  let v = Block(
    x[i], x[i + 1u], x[i + 2u], x[i + 3u],
    x[i + 4u], x[i + 5u], x[i + 6u], x[i + 7u],
  );
  let j = block * 8u;
  let w = Block(
    norm_weight[j], norm_weight[j + 1u],
    norm_weight[j + 2u], norm_weight[j + 3u],
    norm_weight[j + 4u], norm_weight[j + 5u],
    norm_weight[j + 6u], norm_weight[j + 7u],
  );
  // Not input_of(), which would add up products.
  let sums = vec2f(add4(dot_low(v, w)), add4(dot_high(v, w)));
  let scaled = Block(
    v.a * w.a, v.b * w.b, v.c * w.c, v.d * w.d,
    v.e * w.e, v.f * w.f, v.g * w.g, v.h * w.h,
  );
  return Activations(Input(scaled, sums), dot_blocks(v, v));
}

fn add_product(sum: f32, w: Weights, x: Activations) -> f32 {
  return add_dot(sum, w, x.input);
}

fn add_squares(sum: f32, x: Activations) -> f32 {
  return sum + x.squares;
}

// Adds up the lanes' sums, and applies the norm's scale.
fn finish(sums: Sums, index: u32) -> vec4f {
  let rows = reduce_sum(sums.rows, index);
  let squares = reduce_sum(vec4f(sums.squares), index).x;
  return rows * inverseSqrt(fma(squares, norm.inverse_dim, norm.eps));
}
