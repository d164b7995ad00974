// Matrix-matrix product with few batch rows: y[m][r] = dot(w[r], x[m]), or += that.
//
//   w [rows, cols]       weights of a codec (quant/)
//   x [batch, stride]    activations, zero from cols on
//   y [batch, y_stride]  f32, from column `offset` on
//
// As matvec.wgsl, but a run of LANES lanes shares two rows and keeps their block
// in registers while COLUMNS batch rows pass by, so that weights are read once
// for 4, 8 or 16 of them. Rows past an edge repeat the last one; what comes of
// them is not written.
// Joined behind a codec, a reduce_*.wgsl and activations.wgsl or
// activations_int8.wgsl.

override WORKGROUP_SIZE: u32 = 64u;
override LANES: u32 = 8u;
override COLUMNS: u32 = 4u; // 4, 8 or 16

// Batch rows m and m + 1, two rows of weights each.
fn write4(m: u32, row: u32, sums: vec4f) {
  write(m, row, sums.x);
  write(m, row + 1u, sums.y);
  write(m + 1u, row, sums.z);
  write(m + 1u, row + 1u, sums.w);
}

fn meet(sums: vec4f, m: u32, block: u32, a: Weights, b: Weights) -> vec4f {
  let last = batch.rows - 1u;
  let x0 = activations(min(m, last) * params.blocks + block, true, 0u);
  let x1 = activations(min(m + 1u, last) * params.blocks + block, true, 0u);
  return sums + vec4f(
    weights_dot(a, x0), weights_dot(b, x0),
    weights_dot(a, x1), weights_dot(b, x1),
  );
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let group = workgroup.x + workgroup.y * workgroups.x;
  let lane = index & (LANES - 1u);
  let run = group * (WORKGROUP_SIZE / LANES) + index / LANES;
  let row = run * 2u;
  let m = workgroup.z * COLUMNS;
  let last = params.rows - 1u;
  let row0 = min(row, last) * params.blocks;
  let row1 = min(row + 1u, last) * params.blocks;

  var sum0 = vec4f(0.0);
  var sum2 = vec4f(0.0);
  var sum4 = vec4f(0.0);
  var sum6 = vec4f(0.0);
  var sum8 = vec4f(0.0);
  var sum10 = vec4f(0.0);
  var sum12 = vec4f(0.0);
  var sum14 = vec4f(0.0);
  for (var block = lane; block < params.blocks; block += LANES) {
    let a = weights_at(row0 + block);
    let b = weights_at(row1 + block);
    sum0 = meet(sum0, m, block, a, b);
    sum2 = meet(sum2, m + 2u, block, a, b);
    // COLUMNS folds these away.
    if (COLUMNS > 4u) {
      sum4 = meet(sum4, m + 4u, block, a, b);
      sum6 = meet(sum6, m + 6u, block, a, b);
    }
    if (COLUMNS > 8u) {
      sum8 = meet(sum8, m + 8u, block, a, b);
      sum10 = meet(sum10, m + 10u, block, a, b);
      sum12 = meet(sum12, m + 12u, block, a, b);
      sum14 = meet(sum14, m + 14u, block, a, b);
    }
  }
  sum0 = finish(sum0, index);
  sum2 = finish(sum2, index);
  if (COLUMNS > 4u) {
    sum4 = finish(sum4, index);
    sum6 = finish(sum6, index);
  }
  if (COLUMNS > 8u) {
    sum8 = finish(sum8, index);
    sum10 = finish(sum10, index);
    sum12 = finish(sum12, index);
    sum14 = finish(sum14, index);
  }

  if (lane == 0u) {
    write4(m, row, sum0);
    write4(m + 2u, row, sum2);
    if (COLUMNS > 4u) {
      write4(m + 4u, row, sum4);
      write4(m + 6u, row, sum6);
    }
    if (COLUMNS > 8u) {
      write4(m + 8u, row, sum8);
      write4(m + 10u, row, sum10);
      write4(m + 12u, row, sum12);
      write4(m + 14u, row, sum14);
    }
  }
}
