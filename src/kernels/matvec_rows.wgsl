// What a matrix-vector product writes: y[m][r] = sum, or y[m][r] += sum, from
// column `offset` on. A run takes ROWS rows that follow each other.
// Joined with matvec.wgsl.

override ACCUMULATE: bool = false;

fn row_of(run: u32, i: u32) -> u32 {
  return min(run * ROWS + i, params.rows - 1u);
}

fn write(m: u32, row: u32, value: f32) {
  if (row >= params.rows) {
    return;
  }
  let i = m * params.y_stride + params.offset + row;
  if (ACCUMULATE) {
    y[i] += value;
  } else {
    y[i] = value;
  }
}

fn write_run(run: u32, m: u32, sums: vec4f) {
  let row = run * ROWS;
  write(m, row, sums.x);
  if (ROWS > 1u) {
    write(m, row + 1u, sums.y);
  }
  if (ROWS > 2u) {
    write(m, row + 2u, sums.z);
    write(m, row + 3u, sums.w);
  }
}
