// SwiGLU: y[m][i] = silu(x[m][i]) * x[m][dim + i], silu(v) = v / (1 + exp(-v))
//
//   x [batch, x_stride] f32: gate, then up
//   y [batch, y_stride] f32
//
// One invocation an element. Beyond 80 exp would leave f32, of which WGSL says
// nothing; the quotient is nothing there all the same.

struct Params {
  dim: u32,
  x_stride: u32,
  y_stride: u32,
}

struct Batch {
  rows: u32,
  position: u32,
  first: u32,
}

override WORKGROUP_SIZE: u32 = 64u;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;
@group(0) @binding(3) var<uniform> batch: Batch;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = workgroup.x + workgroup.y * workgroups.x;
  let i = group * WORKGROUP_SIZE + lane;
  let m = i / params.dim;
  if (m >= batch.rows) {
    return;
  }
  let column = i % params.dim;
  let gate = x[m * params.x_stride + column];
  let up = x[m * params.x_stride + params.dim + column];
  y[m * params.y_stride + column] = gate / (1.0 + exp(min(-gate, 80.0))) * up;
}
