// What the forms of a matrix-matrix product share: the output,
//
//   y [batch, y_stride]  f32, from column `offset` on
//
// of which rows and batch rows past the end are not written, and the arithmetic
// of f32. Joined with matmul.wgsl or matmul_broadcast.wgsl.

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

@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;
@group(0) @binding(5) var<uniform> batch: Batch;

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

// A quad of a batch row against those of four rows of weights. fma, as drivers
// need not contract a product and a sum.
fn dots(sum: vec4f, v: vec4f, a: vec4f, b: vec4f, c: vec4f, d: vec4f) -> vec4f {
  return fma(vec4f(v.x), vec4f(a.x, b.x, c.x, d.x),
    fma(vec4f(v.y), vec4f(a.y, b.y, c.y, d.y),
    fma(vec4f(v.z), vec4f(a.z, b.z, c.z, d.z),
    fma(vec4f(v.w), vec4f(a.w, b.w, c.w, d.w), sum))));
}
