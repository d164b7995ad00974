// As activations_broadcast.wgsl, behind RMSNorm, which is applied in passing as in
// activations_norm.wgsl: each lane adds up the squares of its own quads.
//
//   x      [stride]  f32, zero from dim on
//   weight [stride]  f32, zero from dim on
//
// Joined behind quant/block.wgsl and a reduce_*.wgsl.

struct Norm {
  dim: f32,
  eps: f32,
}

@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(5) var<storage, read> norm_weight: array<vec4f>;
@group(0) @binding(6) var<uniform> norm: Norm;

alias Activations = Input;

var<private> squares: f32;

fn normalized(i: u32, counts: bool) -> vec4f {
  let v = x[i];
  squares += select(0.0, dot(v, v), counts);
  return v * norm_weight[i];
}

fn activations(block: u32, valid: bool, index: u32) -> Activations {
  let i = block * 8u;
  // Lanes from the eighth on repeat the first ones' quads.
  let v = normalized(i + (index & 7u), valid && index < 8u);
  if (WORKGROUP_SIZE >= 8u) {
    return input_of(broadcast8(v));
  }
  return input_of(broadcast4(v, normalized(i + 4u + index, valid)));
}

fn product(index: u32, x: Activations) -> f32 {
  return block_dot(index, x);
}

fn finish(sum: vec4f, index: u32) -> vec4f {
  let mean = subgroupAdd(squares) / norm.dim;
  return sum * inverseSqrt(mean + norm.eps);
}
