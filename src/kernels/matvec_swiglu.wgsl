// Feed-forward gate, for decode: y[r] = silu(dot(w[r], x)) * dot(w[rows + r], x)
//
//   w [2 * rows, cols]  weights of a codec (quant/): gate rows, then up rows
//   x [stride]          f32, zero from cols on
//   y [rows]            f32
//
// As matvec.wgsl, but the four rows of a run of LANES lanes are two gate rows
// and the two up rows that belong to them, so that no sum leaves the kernel.
// Joined behind quant/block.wgsl, a codec, a reduce_*.wgsl and an
// activations*.wgsl, which reads x.

struct Params {
  rows: u32,
  blocks: u32, // a row
  offset: u32, // unused: the same layout as in matvec.wgsl
}

override WORKGROUP_SIZE: u32 = 64u;
override LANES: u32 = 8u;

@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let group = workgroup.x + workgroup.y * workgroups.x;
  let lane = index & (LANES - 1u);
  let row = (group * (WORKGROUP_SIZE / LANES) + index / LANES) * 2u;
  let last = params.rows - 1u;
  let gate0 = min(row, last) * params.blocks;
  let gate1 = min(row + 1u, last) * params.blocks;
  let up0 = gate0 + params.rows * params.blocks;
  let up1 = gate1 + params.rows * params.blocks;

  var sum = vec4f(0.0);
  for (var block = lane; block < params.blocks; block += LANES) {
    let xs = activations(block);
    sum += vec4f(
      block_dot(gate0 + block, xs),
      block_dot(gate1 + block, xs),
      block_dot(up0 + block, xs),
      block_dot(up1 + block, xs),
    );
  }
  sum = finish(sum, index);

  if (lane == 0u) {
    // Beyond 80 exp would leave f32, of which WGSL says nothing.
    let h = sum.xy / (1.0 + exp(min(-sum.xy, vec2f(80.0)))) * sum.zw;
    if (row < params.rows) {
      y[row] = h.x;
    }
    if (row + 1u < params.rows) {
      y[row + 1u] = h.y;
    }
  }
}
