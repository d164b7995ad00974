// Matrix-matrix product, for prefill: y[m][r] = dot(w[r], x[m]), or += that.
//
//   w [rows, cols]        weights of a codec (quant/)
//   x [batch, stride]     activations, zero from cols on
//   y [batch, y_stride]   f32, from column `offset` on
//
// A workgroup of TX x TY lanes computes a tile of 8 TX rows and 4 TY batch rows,
// one block of 32 columns at a time: the lanes bring one block of each row into
// workgroup memory, then each adds up 8 rows x 4 batch rows in registers. A
// lane's rows are TX apart, so that neighbours read neighbouring banks. Rows
// past an edge repeat the last one; what comes of them is not written.
// Joined behind a codec and matmul_f32.wgsl or matmul_int8.wgsl, which hold the
// tiles:
//
//   fn load_weights(row: u32, index: u32)   one block into row `row` of a tile
//   fn load_activations(lane, first, last)  a block of each batch row
//   fn meet(sums: Sums, row: u32, m: u32) -> Sums

// Batch row m + j TY against rows r + i TX: sumj_i.
struct Sums {
  sum0a: vec4f, sum0b: vec4f,
  sum1a: vec4f, sum1b: vec4f,
  sum2a: vec4f, sum2b: vec4f,
  sum3a: vec4f, sum3b: vec4f,
}

override TX: u32 = 8u;
override TY: u32 = 8u;
override LANES: u32 = 64u; // TX * TY

fn write8(m: u32, row: u32, a: vec4f, b: vec4f) {
  write(m, row, a.x);
  write(m, row + TX, a.y);
  write(m, row + 2u * TX, a.z);
  write(m, row + 3u * TX, a.w);
  write(m, row + 4u * TX, b.x);
  write(m, row + 5u * TX, b.y);
  write(m, row + 6u * TX, b.z);
  write(m, row + 7u * TX, b.w);
}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first_row = (workgroup.x + workgroup.y * workgroups.x) * 8u * TX;
  let first_m = workgroup.z * 4u * TY;
  let w_index = min(first_row + lane, params.rows - 1u) * params.blocks;
  let r = lane % TX; // within the tile
  let m = lane / TX;

  var sums = Sums();
  for (var block = 0u; block < params.blocks; block++) {
    if (lane < 8u * TX) {
      load_weights(lane, w_index + block);
    }
    load_activations(lane, block, first_m);
    workgroupBarrier();
    sums = meet(sums, r, m);
    workgroupBarrier();
  }

  write8(first_m + m, first_row + r, sums.sum0a, sums.sum0b);
  write8(first_m + m + TY, first_row + r, sums.sum1a, sums.sum1b);
  write8(first_m + m + 2u * TY, first_row + r, sums.sum2a, sums.sum2b);
  write8(first_m + m + 3u * TY, first_row + r, sums.sum3a, sums.sum3b);
}
