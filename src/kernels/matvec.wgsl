// Matrix-vector product, for decode: y[r] = dot(w[r], x), or y[r] += that.
//
//   w [rows, cols]  weights of a codec (quant/)
//   x [stride]      f32, zero from cols on
//   y [.., rows]    f32, from column `offset` on
//
// A run of LANES lanes shares four rows: each lane takes every LANES-th block of
// 32 columns, loads the activations once and meets four rows with them; the
// partial sums are then added over the lanes. WORKGROUP_SIZE / LANES such runs
// make a workgroup. Rows past the end repeat the last one and are not written.
// Joined behind quant/block.wgsl, a codec, a reduce_*.wgsl and an
// activations*.wgsl, which reads x.

struct Params {
  rows: u32,
  blocks: u32, // a row
  offset: u32,
}

override WORKGROUP_SIZE: u32 = 64u;
override LANES: u32 = 8u;
override ACCUMULATE: bool = false;

@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

fn write(row: u32, value: f32) {
  if (row >= params.rows) {
    return;
  }
  let i = params.offset + row;
  if (ACCUMULATE) {
    y[i] += value;
  } else {
    y[i] = value;
  }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let group = workgroup.x + workgroup.y * workgroups.x;
  let lane = index & (LANES - 1u);
  let row = (group * (WORKGROUP_SIZE / LANES) + index / LANES) * 4u;
  let last = params.rows - 1u;
  let row0 = min(row, last) * params.blocks;
  let row1 = min(row + 1u, last) * params.blocks;
  let row2 = min(row + 2u, last) * params.blocks;
  let row3 = min(row + 3u, last) * params.blocks;

  var sum = vec4f(0.0);
  for (var block = lane; block < params.blocks; block += LANES) {
    let xs = activations(block);
    sum += vec4f(
      block_dot(row0 + block, xs),
      block_dot(row1 + block, xs),
      block_dot(row2 + block, xs),
      block_dot(row3 + block, xs),
    );
  }
  sum = finish(sum, index);

  if (lane == 0u) {
    write(row, sum.x);
    write(row + 1u, sum.y);
    write(row + 2u, sum.z);
    write(row + 3u, sum.w);
  }
}
