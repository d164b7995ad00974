// The feed-forward gate in a matrix-vector product, for decode:
//
//   y[m][r] = silu(dot(w[r], x[m])) * dot(w[rows + r], x[m])
//
//   w [2 * rows, cols]  gate rows, then up rows
//
// A run takes ROWS / 2 gate rows and the up rows that belong to them, so that no
// sum leaves the kernel; ROWS is 2 or 4.
// Joined with matvec.wgsl.

override PAIRS: u32 = 2u; // ROWS / 2

fn row_of(run: u32, i: u32) -> u32 {
  let row = min(run * PAIRS + i % PAIRS, params.rows - 1u);
  return select(row + params.rows, row, i < PAIRS);
}

fn write(m: u32, row: u32, gate: f32, up: f32) {
  if (row < params.rows) {
    // Beyond 80 exp would leave f32, of which WGSL says nothing.
    y[m * params.y_stride + row] = gate / (1.0 + exp(min(-gate, 80.0))) * up;
  }
}

fn write_run(run: u32, m: u32, sums: vec4f) {
  let row = run * PAIRS;
  if (ROWS == 2u) {
    write(m, row, sums.x, sums.y);
  } else {
    write(m, row, sums.x, sums.z);
    write(m, row + 1u, sums.y, sums.w);
  }
}
