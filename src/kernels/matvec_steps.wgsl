// A matrix-vector product of several vectors, which share the weights:
//
//   x [batch, stride]    each vector a row
//   y [batch, y_stride]  likewise
//
// COLUMNS is at least the rows of the batch. Vectors past its end repeat the last
// one, and what comes of them is not written.
// Joined with matvec.wgsl.

struct Batch {
  rows: u32,
  position: u32,
  first: u32,
}

override COLUMNS: u32 = 2u; // 2, 4 or 8

@group(0) @binding(7) var<uniform> batch: Batch;

struct Columns {
  sum0: Sums, sum1: Sums, sum2: Sums, sum3: Sums,
  sum4: Sums, sum5: Sums, sum6: Sums, sum7: Sums,
}

// COLUMNS folds the branches away.
fn meet(sums: Columns, block: u32, valid: bool, w: Rows, index: u32) -> Columns {
  let last = batch.rows - 1u;
  var s = sums;
  s.sum0 = meet_column(s.sum0, 0u, block, valid, w, index);
  s.sum1 = meet_column(s.sum1, min(1u, last), block, valid, w, index);
  if (COLUMNS > 2u) {
    s.sum2 = meet_column(s.sum2, min(2u, last), block, valid, w, index);
    s.sum3 = meet_column(s.sum3, min(3u, last), block, valid, w, index);
  }
  if (COLUMNS > 4u) {
    s.sum4 = meet_column(s.sum4, min(4u, last), block, valid, w, index);
    s.sum5 = meet_column(s.sum5, min(5u, last), block, valid, w, index);
    s.sum6 = meet_column(s.sum6, min(6u, last), block, valid, w, index);
    s.sum7 = meet_column(s.sum7, min(7u, last), block, valid, w, index);
  }
  return s;
}

fn write_column(run: u32, m: u32, sums: Sums, index: u32) {
  let rows = finish(sums, index);
  if ((index & (LANES - 1u)) == 0u && m < batch.rows) {
    write_run(run, m, rows);
  }
}

fn write_columns(run: u32, sums: Columns, index: u32) {
  write_column(run, 0u, sums.sum0, index);
  write_column(run, 1u, sums.sum1, index);
  if (COLUMNS > 2u) {
    write_column(run, 2u, sums.sum2, index);
    write_column(run, 3u, sums.sum3, index);
  }
  if (COLUMNS > 4u) {
    write_column(run, 4u, sums.sum4, index);
    write_column(run, 5u, sums.sum5, index);
    write_column(run, 6u, sums.sum6, index);
    write_column(run, 7u, sums.sum7, index);
  }
}
