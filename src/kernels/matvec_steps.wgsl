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

// One block of each row, which all vectors meet. ROWS folds the branches away.
struct Rows {
  a: Weights, b: Weights, c: Weights, d: Weights,
}

fn rows_at(starts: vec4u, block: u32) -> Rows {
  var w: Rows;
  w.a = weights_at(starts.x + block);
  if (ROWS > 1u) {
    w.b = weights_at(starts.y + block);
  }
  if (ROWS > 2u) {
    w.c = weights_at(starts.z + block);
    w.d = weights_at(starts.w + block);
  }
  return w;
}

fn meet_step(sums: Sums, m: u32, block: u32, valid: bool, w: Rows, index: u32)
  -> Sums {
  let x = activations(min(m, batch.rows - 1u), block, index);
  var rows = sums.rows;
  rows.x = add_product(rows.x, w.a, x);
  if (ROWS > 1u) {
    rows.y = add_product(rows.y, w.b, x);
  }
  if (ROWS > 2u) {
    rows.z = add_product(rows.z, w.c, x);
    rows.w = add_product(rows.w, w.d, x);
  }
  return Sums(
    select(sums.rows, rows, valid),
    select(sums.squares, add_squares(sums.squares, x), valid),
  );
}

fn write_step(run: u32, m: u32, sums: Sums, index: u32) {
  let rows = finish(sums, index);
  if ((index & (LANES - 1u)) == 0u && m < batch.rows) {
    write_run(run, m, rows);
  }
}
