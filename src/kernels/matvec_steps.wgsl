// A matrix-vector product of several vectors, which share the weights:
//
//   x [batch, stride]    each vector a row
//   y [batch, y_stride]  likewise
//
// Vectors past the end of the batch repeat the last one, and what comes of them
// is not written.
// Joined with matvec.wgsl, and with matvec_steps_2.wgsl, _4 or _8, which say how
// many vectors there are at most.

struct Batch {
  rows: u32,
  position: u32,
  first: u32,
}

@group(0) @binding(7) var<uniform> batch: Batch;

fn meet_step(sums: Sums, m: u32, block: u32, valid: bool, w: Rows, index: u32)
  -> Sums {
  return meet_column(sums, min(m, batch.rows - 1u), block, valid, w, index);
}

fn write_step(run: u32, m: u32, sums: Sums, index: u32) {
  let rows = finish(sums, index);
  if ((index & (LANES - 1u)) == 0u && m < batch.rows) {
    write_run(run, m, rows);
  }
}
