// The activations of a matrix-vector product, as they are.
//
//   x [stride]  f32, zero from the columns' end on
//
// Joined behind quant/block.wgsl and a reduce_*.wgsl.

@group(0) @binding(2) var<storage, read> x: array<vec4f>;

fn activations(block: u32) -> Input {
  let i = block * 8u;
  return input_of(Block(
    x[i], x[i + 1u], x[i + 2u], x[i + 3u],
    x[i + 4u], x[i + 5u], x[i + 6u], x[i + 7u],
  ));
}

// Adds the lanes' sums of four rows.
fn finish(sum: vec4f, index: u32) -> vec4f {
  return reduce_sum(sum, index);
}
