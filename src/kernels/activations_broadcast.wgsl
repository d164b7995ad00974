// The activations of a matrix-vector product on devices whose loads are dearer
// than their shuffles, such as software drivers: a workgroup is one subgroup
// whose lanes work on rows of their own, on the same block at a time. Each lane
// loads one quad of the block (two, where a subgroup has four lanes), and all
// quads are broadcast to all lanes.
//
//   x [stride]  f32, zero from the columns' end on
//
// Joined behind quant/block.wgsl and a reduce_*.wgsl.

@group(0) @binding(2) var<storage, read> x: array<vec4f>;

alias Activations = Input;

fn activations(block: u32, valid: bool, index: u32) -> Activations {
  let i = block * 8u;
  let v = x[i + (index & 7u)];
  if (WORKGROUP_SIZE >= 8u) {
    return input_of(broadcast8(v));
  }
  return input_of(broadcast4(v, x[i + 4u + index]));
}

fn product(index: u32, x: Activations) -> f32 {
  return block_dot(index, x);
}

// A lane's sums are its own.
fn finish(sum: vec4f, index: u32) -> vec4f {
  return sum;
}
