// RMSNorm: y[m][i] = x[first + m][i] * weight[i] / sqrt(mean(x[first + m]^2) + eps)
//
//   x      [batch, stride] f32, zero from dim on
//   weight [stride]        f32, zero from dim on
//   y      [batch, stride] f32
//
// One workgroup a row. Each lane sums its strided share of x^2, a tree
// reduction combines the lanes, then every lane rescales its share.

struct Params {
  quads: u32, // stride / 4
  dim: f32,
  eps: f32,
}

struct Batch {
  rows: u32,
  position: u32,
  first: u32,
}

override WORKGROUP_SIZE: u32 = 64u;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> weight: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(3) var<uniform> params: Params;
@group(0) @binding(4) var<uniform> batch: Batch;

var<workgroup> partial: array<f32, WORKGROUP_SIZE>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let x_row = (batch.first + workgroup.x) * params.quads;
  let y_row = workgroup.x * params.quads;

  var sum = vec4f(0.0);
  for (var i = lane; i < params.quads; i += WORKGROUP_SIZE) {
    let v = x[x_row + i];
    sum += v * v;
  }
  partial[lane] = dot(sum, vec4f(1.0));
  workgroupBarrier();

  for (var stride = WORKGROUP_SIZE / 2u; stride > 0u; stride /= 2u) {
    if (lane < stride) {
      partial[lane] += partial[lane + stride];
    }
    workgroupBarrier();
  }

  let scale = inverseSqrt(partial[0] / params.dim + params.eps);
  for (var i = lane; i < params.quads; i += WORKGROUP_SIZE) {
    y[y_row + i] = x[x_row + i] * scale * weight[i];
  }
}
