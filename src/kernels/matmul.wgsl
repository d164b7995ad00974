// Matrix-matrix product, for prefill: y[m][r] = dot(w[r], x[m]), or += that.
//
//   w [rows, cols]        weights of a codec (quant/)
//   x [batch, x_stride]   f32, zero from cols on
//   y [batch, y_stride]   f32, from column `offset` on
//
// A workgroup of 64 computes a tile of 64 rows and 32 batch rows, 32 columns
// (one block) at a time: the lanes dequantize one weight block each and load the
// activations into workgroup memory, then each lane adds up 8 rows x 4 batch
// rows in registers. Weights and activations past an edge repeat the last row;
// what comes of them is not written.
// Joined behind quant/block.wgsl and a codec.

struct Params {
  rows: u32,
  blocks: u32, // a row
  offset: u32,
  y_stride: u32,
}

struct Batch {
  rows: u32,
  position: u32,
  first: u32,
}

override ACCUMULATE: bool = false;

@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;
@group(0) @binding(5) var<uniform> batch: Batch;

// Nine quads a row instead of eight keep neighbours in different banks.
var<workgroup> w_tile: array<vec4f, 576>; // [64 rows, 9]
var<workgroup> x_tile: array<vec4f, 288>; // [32 batch rows, 9]

fn load_weights(row: u32, index: u32) {
  let w = block_weights(index);
  let i = row * 9u;
  w_tile[i] = w.a;
  w_tile[i + 1u] = w.b;
  w_tile[i + 2u] = w.c;
  w_tile[i + 3u] = w.d;
  w_tile[i + 4u] = w.e;
  w_tile[i + 5u] = w.f;
  w_tile[i + 6u] = w.g;
  w_tile[i + 7u] = w.h;
}

// A batch row against four rows of weights.
fn dots(v: vec4f, a: vec4f, b: vec4f, c: vec4f, d: vec4f) -> vec4f {
  return vec4f(dot(v, a), dot(v, b), dot(v, c), dot(v, d));
}

fn write(m: u32, row: u32, value: f32) {
  if (m >= batch.rows || row >= params.rows) {
    return;
  }
  let i = m * params.y_stride + params.offset + row;
  if (ACCUMULATE) {
    y[i] += value;
  } else {
    y[i] = value;
  }
}

fn write4(m: u32, row: u32, values: vec4f) {
  write(m, row, values.x);
  write(m, row + 1u, values.y);
  write(m, row + 2u, values.z);
  write(m, row + 3u, values.w);
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first_row = workgroup.x * 64u;
  let first_m = workgroup.y * 32u;
  let w_index = min(first_row + lane, params.rows - 1u) * params.blocks;
  // Lanes 2m and 2m + 1 load one half each of batch row m's eight quads.
  let x_quad = (lane & 1u) * 4u;
  let x_slot = (lane >> 1u) * 9u + x_quad;
  let x_index = min(first_m + (lane >> 1u), batch.rows - 1u) * params.blocks * 8u
    + x_quad;

  let m = (lane >> 3u) * 4u; // within the tile
  let r = (lane & 7u) * 8u;
  let w0 = r * 9u;
  let x_row = m * 9u;

  var sum0a = vec4f(0.0);
  var sum0b = vec4f(0.0);
  var sum1a = vec4f(0.0);
  var sum1b = vec4f(0.0);
  var sum2a = vec4f(0.0);
  var sum2b = vec4f(0.0);
  var sum3a = vec4f(0.0);
  var sum3b = vec4f(0.0);
  for (var block = 0u; block < params.blocks; block++) {
    load_weights(lane, w_index + block);
    let xi = x_index + block * 8u;
    x_tile[x_slot] = x[xi];
    x_tile[x_slot + 1u] = x[xi + 1u];
    x_tile[x_slot + 2u] = x[xi + 2u];
    x_tile[x_slot + 3u] = x[xi + 3u];
    workgroupBarrier();
    for (var k = 0u; k < 8u; k++) {
      // Each quad once: compilers do not see that a second load is the same.
      let a0 = w_tile[w0 + k];
      let a1 = w_tile[w0 + 9u + k];
      let a2 = w_tile[w0 + 18u + k];
      let a3 = w_tile[w0 + 27u + k];
      let b0 = w_tile[w0 + 36u + k];
      let b1 = w_tile[w0 + 45u + k];
      let b2 = w_tile[w0 + 54u + k];
      let b3 = w_tile[w0 + 63u + k];
      let x0 = x_tile[x_row + k];
      let x1 = x_tile[x_row + 9u + k];
      let x2 = x_tile[x_row + 18u + k];
      let x3 = x_tile[x_row + 27u + k];
      sum0a += dots(x0, a0, a1, a2, a3);
      sum0b += dots(x0, b0, b1, b2, b3);
      sum1a += dots(x1, a0, a1, a2, a3);
      sum1b += dots(x1, b0, b1, b2, b3);
      sum2a += dots(x2, a0, a1, a2, a3);
      sum2b += dots(x2, b0, b1, b2, b3);
      sum3a += dots(x3, a0, a1, a2, a3);
      sum3b += dots(x3, b0, b1, b2, b3);
    }
    workgroupBarrier();
  }

  write4(first_m + m, first_row + r, sum0a);
  write4(first_m + m, first_row + r + 4u, sum0b);
  write4(first_m + m + 1u, first_row + r, sum1a);
  write4(first_m + m + 1u, first_row + r + 4u, sum1b);
  write4(first_m + m + 2u, first_row + r, sum2a);
  write4(first_m + m + 2u, first_row + r + 4u, sum2b);
  write4(first_m + m + 3u, first_row + r, sum3a);
  write4(first_m + m + 3u, first_row + r + 4u, sum3b);
}
