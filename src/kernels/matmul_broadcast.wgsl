// Matrix-matrix product on devices whose loads are dearer than their shuffles,
// such as software drivers: y[m][r] = dot(w[r], x[m]), or y[m][r] += that.
//
//   w [rows, cols]       weights of a codec (quant/)
//   x [batch, stride]    f32, zero from cols on
//   y [batch, y_stride]  f32, from column `offset` on
//
// A workgroup is one subgroup of SUBGROUP lanes and computes 4 SUBGROUP rows of
// eight batch rows, a block of 32 columns at a time. A lane keeps the weights of
// four rows, SUBGROUP apart, in registers. Of a batch row's block it loads only
// a quad (two, where a subgroup has four lanes), which then goes round: every
// quad is broadcast to all lanes. No workgroup memory, and no barrier.
// Rows past an edge repeat the last one; what comes of them is not written.
// Joined behind quant/block.wgsl and a codec.

override SUBGROUP: u32 = 8u;

@group(0) @binding(2) var<storage, read> x: array<vec4f>;

fn write4(m: u32, row: u32, values: vec4f) {
  write(m, row, values.x);
  write(m, row + SUBGROUP, values.y);
  write(m, row + 2u * SUBGROUP, values.z);
  write(m, row + 3u * SUBGROUP, values.w);
}

// A block of batch row m, whose first quad is x[i], against four rows' blocks.
fn meet(sum: vec4f, i: u32, lane: u32, a: Block, b: Block, c: Block, d: Block)
  -> vec4f {
  let v = x[i + (lane & 7u)];
  var s = dots(sum, subgroupBroadcast(v, 0u), a.a, b.a, c.a, d.a);
  s = dots(s, subgroupBroadcast(v, 1u), a.b, b.b, c.b, d.b);
  s = dots(s, subgroupBroadcast(v, 2u), a.c, b.c, c.c, d.c);
  s = dots(s, subgroupBroadcast(v, 3u), a.d, b.d, c.d, d.d);
  if (SUBGROUP >= 8u) {
    s = dots(s, subgroupBroadcast(v, 4u), a.e, b.e, c.e, d.e);
    s = dots(s, subgroupBroadcast(v, 5u), a.f, b.f, c.f, d.f);
    s = dots(s, subgroupBroadcast(v, 6u), a.g, b.g, c.g, d.g);
    return dots(s, subgroupBroadcast(v, 7u), a.h, b.h, c.h, d.h);
  }
  let u = x[i + 4u + lane];
  s = dots(s, subgroupBroadcast(u, 0u), a.e, b.e, c.e, d.e);
  s = dots(s, subgroupBroadcast(u, 1u), a.f, b.f, c.f, d.f);
  s = dots(s, subgroupBroadcast(u, 2u), a.g, b.g, c.g, d.g);
  return dots(s, subgroupBroadcast(u, 3u), a.h, b.h, c.h, d.h);
}

@compute @workgroup_size(SUBGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = workgroup.x + workgroup.y * workgroups.x;
  let row = group * 4u * SUBGROUP + lane;
  let m = workgroup.z * 8u;
  let last = params.rows - 1u;
  let row0 = min(row, last) * params.blocks;
  let row1 = min(row + SUBGROUP, last) * params.blocks;
  let row2 = min(row + 2u * SUBGROUP, last) * params.blocks;
  let row3 = min(row + 3u * SUBGROUP, last) * params.blocks;
  let last_m = batch.rows - 1u;
  let quads = params.blocks * 8u;
  let m0 = min(m, last_m) * quads;
  let m1 = min(m + 1u, last_m) * quads;
  let m2 = min(m + 2u, last_m) * quads;
  let m3 = min(m + 3u, last_m) * quads;
  let m4 = min(m + 4u, last_m) * quads;
  let m5 = min(m + 5u, last_m) * quads;
  let m6 = min(m + 6u, last_m) * quads;
  let m7 = min(m + 7u, last_m) * quads;

  var sum0 = vec4f(0.0);
  var sum1 = vec4f(0.0);
  var sum2 = vec4f(0.0);
  var sum3 = vec4f(0.0);
  var sum4 = vec4f(0.0);
  var sum5 = vec4f(0.0);
  var sum6 = vec4f(0.0);
  var sum7 = vec4f(0.0);
  for (var block = 0u; block < params.blocks; block++) {
    let a = block_weights(row0 + block);
    let b = block_weights(row1 + block);
    let c = block_weights(row2 + block);
    let d = block_weights(row3 + block);
    let i = block * 8u;
    sum0 = meet(sum0, m0 + i, lane, a, b, c, d);
    sum1 = meet(sum1, m1 + i, lane, a, b, c, d);
    sum2 = meet(sum2, m2 + i, lane, a, b, c, d);
    sum3 = meet(sum3, m3 + i, lane, a, b, c, d);
    sum4 = meet(sum4, m4 + i, lane, a, b, c, d);
    sum5 = meet(sum5, m5 + i, lane, a, b, c, d);
    sum6 = meet(sum6, m6 + i, lane, a, b, c, d);
    sum7 = meet(sum7, m7 + i, lane, a, b, c, d);
  }

  write4(m, row, sum0);
  write4(m + 1u, row, sum1);
  write4(m + 2u, row, sum2);
  write4(m + 3u, row, sum3);
  write4(m + 4u, row, sum4);
  write4(m + 5u, row, sum5);
  write4(m + 6u, row, sum6);
  write4(m + 7u, row, sum7);
}
