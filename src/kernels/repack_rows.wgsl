// Pads rows of floats with zeros to whole blocks of 32:
//
//   source [rows, halves]     16-bit halves, as in the file
//   quants [rows, row_words]  u32
//
// F32 counts as two halves. A row starts on any even byte, so words are put
// together from halves. One invocation a word; `first` is the place of the
// source's first row in the output.

struct Params {
  rows: u32,
  first: u32,
  halves: u32,
  row_words: u32,
}

override WORKGROUP_SIZE: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> source: array<u32>;
@group(0) @binding(2) var<storage, read_write> quants: array<u32>;

fn half_at(row: u32, column: u32) -> u32 {
  if (column >= params.halves) {
    return 0u;
  }
  let i = row * params.halves + column;
  return (source[i >> 1u] >> ((i & 1u) * 16u)) & 0xffffu;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = workgroup.x + workgroup.y * workgroups.x;
  let i = group * WORKGROUP_SIZE + lane;
  let row = i / params.row_words;
  if (row >= params.rows) {
    return;
  }
  let column = (i % params.row_words) * 2u;
  quants[params.first * params.row_words + i] =
    half_at(row, column) | (half_at(row, column + 1u) << 16u);
}
