// What a matrix-vector product writes: y[r] = sum, or y[r] += sum, from column
// `offset` on. A run takes ROWS rows that follow each other.
// Joined with matvec.wgsl.

override ACCUMULATE: bool = false;

fn row_of(run: u32, i: u32) -> u32 {
  return min(run * ROWS + i, params.rows - 1u);
}

fn write(row: u32, value: f32) {
  if (row >= params.rows) {
    return;
  }
  let i = params.offset + row;
  if (ACCUMULATE) {
    y[i] += value;
  } else {
    y[i] = value;
  }
}

fn write_run(run: u32, sums: vec4f) {
  let row = run * ROWS;
  write(row, sums.x);
  if (ROWS > 1u) {
    write(row + 1u, sums.y);
  }
  if (ROWS > 2u) {
    write(row + 2u, sums.z);
    write(row + 3u, sums.w);
  }
}
