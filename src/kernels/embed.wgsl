// Embedding: y[m] = table[tokens[m]]
//
//   table  [rows, dim]       weights of a codec (quant/), rows first_row...
//   tokens [batch]           u32
//   y      [batch, stride]   f32
//
// One invocation a block of 32 columns. The table may be one slice of a larger
// one: tokens outside its rows are left for the slice that has them.
// Joined behind quant/block.wgsl and a codec.

struct Params {
  blocks: u32, // a row
  first_row: u32,
  rows: u32,
}

struct Batch {
  rows: u32,
  position: u32,
  first: u32,
}

override WORKGROUP_SIZE: u32 = 64u;

@group(0) @binding(2) var<storage, read> tokens: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(4) var<uniform> params: Params;
@group(0) @binding(5) var<uniform> batch: Batch;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = workgroup.x + workgroup.y * workgroups.x;
  let i = group * WORKGROUP_SIZE + lane;
  let m = i / params.blocks;
  if (m >= batch.rows) {
    return;
  }
  let row = tokens[m] - params.first_row; // wraps where it is below
  if (row >= params.rows) {
    return;
  }
  let w = block_weights(row * params.blocks + i % params.blocks);
  let o = i * 8u;
  y[o] = w.a;
  y[o + 1u] = w.b;
  y[o + 2u] = w.c;
  y[o + 3u] = w.d;
  y[o + 4u] = w.e;
  y[o + 5u] = w.f;
  y[o + 6u] = w.g;
  y[o + 7u] = w.h;
}
