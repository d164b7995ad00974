// As activations_broadcast.wgsl, behind RMSNorm, which is applied in passing as in
// activations_norm.wgsl: each lane adds up the squares of its own quads.
//
//   x      [rows, blocks, 8]  vec4f, zero from the columns' end on
//   weight [blocks, 8]        vec4f, likewise
//
// Joined behind broadcast.wgsl, before matvec.wgsl.

struct Norm {
  inverse_dim: f32, // 1 / dim
  eps: f32,
}

@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(5) var<storage, read> norm_weight: array<vec4f>;
@group(0) @binding(6) var<uniform> norm: Norm;

struct Activations {
  input: Input,
  squares: f32, // of the lane's own quads
}

fn squares_of(v: vec4f) -> f32 {
  return fma(v.x, v.x, v.y * v.y) + fma(v.z, v.z, v.w * v.w);
}

fn activations(m: u32, block: u32, index: u32) -> Activations {
  let i = (m * params.blocks + block) * 8u;
  let own = index & 7u;
  let j = block * 8u;
  let v = x[i + own];
  let scaled = v * norm_weight[j + own];
  if (WORKGROUP_SIZE >= 8u) {
    // Lanes from the eighth on repeat the first ones' quads.
    let squares = select(0.0, squares_of(v), index < 8u);
    return Activations(input_of(broadcast8(scaled)), squares);
  }
  let u = x[i + 4u + index];
  return Activations(
    input_of(broadcast4(scaled, u * norm_weight[j + 4u + index])),
    squares_of(v) + squares_of(u),
  );
}

fn add_product(sum: f32, w: Weights, x: Activations) -> f32 {
  return add_dot(sum, w, x.input);
}

fn add_squares(sum: f32, x: Activations) -> f32 {
  return sum + x.squares;
}

fn finish(sums: Sums, index: u32) -> vec4f {
  let squares = subgroupAdd(sums.squares);
  return sums.rows * inverseSqrt(fma(squares, norm.inverse_dim, norm.eps));
}
