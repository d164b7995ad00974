// The activations of a matrix-vector product on devices whose loads are dearer
// than their shuffles, such as software drivers: a workgroup is one subgroup
// whose lanes work on rows of their own, on the same block at a time. Each lane
// loads one quad of the block (two, where a subgroup has four lanes), and all
// quads are broadcast to all lanes.
//
//   x [rows, blocks, 8]  vec4f, zero from the columns' end on
//
// Joined behind broadcast.wgsl, before matvec.wgsl.

@group(0) @binding(2) var<storage, read> x: array<vec4f>;

alias Activations = Input;

fn activations(m: u32, block: u32, index: u32) -> Activations {
  let i = (m * params.blocks + block) * 8u;
  let v = x[i + (index & 7u)];
  if (WORKGROUP_SIZE >= 8u) {
    return input_of(broadcast8(v));
  }
  return input_of(broadcast4(v, x[i + 4u + index]));
}

fn add_product(sum: f32, w: Weights, x: Activations) -> f32 {
  return add_dot(sum, w, x);
}

fn add_squares(sum: f32, x: Activations) -> f32 {
  return sum;
}

// A lane's sums are its own.
fn finish(sums: Sums, index: u32) -> vec4f {
  return sums.rows;
}
